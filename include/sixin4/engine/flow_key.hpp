// Identifies a flow, seen from this end of the tunnel.
#pragma once

#include <cstdint>

#include "sixin4/wire/address.hpp"

namespace sixin4::engine {

/// The same for both directions: `local` is the source of outbound packets and the destination of inbound
/// ones.
struct FlowKey {
  wire::Ipv6Address local;
  wire::Ipv6Address remote;
  std::uint16_t local_port = 0;   ///< the identifier of an ICMPv6 echo; 0 for protocols without ports
  std::uint16_t remote_port = 0;  ///< 0 for an echo and for protocols without ports
  std::uint8_t protocol = 0;      ///< upper-layer protocol
  bool operator==(const FlowKey&) const = default;
};

}  // namespace sixin4::engine
