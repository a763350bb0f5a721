// How outer packets leave this host: through its IP layer (raw socket), or past it (packet socket).
#pragma once

#include <optional>
#include <string>

#include "sixin4/config/configuration.hpp"
#include "sixin4/io/wire_ends.hpp"
#include "sixin4/netlink/netlink.hpp"
#include "sixin4/tunnel/underlay.hpp"

namespace sixin4::tunnel {

struct WireChoice {
  std::optional<io::NextHop> next_hop;  ///< where a packet socket sends to; nothing: a raw socket
  std::string reason;                   ///< in words
  bool operator==(const WireChoice&) const = default;
};

/// A packet socket where the configuration lets one be taken, and nothing on the way needs the IP layer: a
/// stateful firewall that does not see what leaves drops the answers, IPsec would be gone round, and only
/// links with Ethernet headers and a neighbour whose address is known can be sent to. Nor where `unwatched`
/// says why a change of that would not be seen, unless a packet socket is configured: it is looked at every
/// second.
[[nodiscard]] WireChoice choose_wire(netlink::Netlink& netlink, const config::Configuration& configuration,
                                     const Underlay& underlay, const std::string& unwatched);

}  // namespace sixin4::tunnel
