// What tells one flow from another, as this end of the tunnel sees it.
#pragma once

#include <cstdint>

#include "sixin4/wire/address.hpp"

namespace sixin4::engine {

/// Of both directions: outward `local` is a packet's source, inward its destination.
struct FlowKey {
  wire::Ipv6Address local;
  wire::Ipv6Address remote;
  std::uint16_t local_port = 0;   ///< of an ICMPv6 echo its identifier; 0 where the protocol has no ports
  std::uint16_t remote_port = 0;  ///< 0 as well for an echo
  std::uint8_t protocol = 0;      ///< of the upper layer
  bool operator==(const FlowKey&) const = default;
};

}  // namespace sixin4::engine
