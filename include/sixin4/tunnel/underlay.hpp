// The IPv4 path from this host to the far end.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "sixin4/config/configuration.hpp"
#include "sixin4/io/wire_ends.hpp"
#include "sixin4/netlink/netlink.hpp"

namespace sixin4::tunnel {

/// The result of one look-up in the host's routing.
struct Underlay {
  io::WireEnds ends;
  int link_index = 0;  ///< of the link that leads to the far end
  std::optional<wire::Ipv4Address> gateway;
  std::uint16_t route_mtu = 0;  ///< in bytes: of the link, or less if the route has an MTU
  bool plain = true;            ///< as netlink::Ipv4Path::plain
  bool loops = false;           ///< the route to the far end leads into the tunnel itself
  std::string no_path{};        ///< the reason why there is no path; empty: a path exists. Without a path
                                ///< the other fields describe the last path.
  bool operator==(const Underlay&) const = default;
};

/// Throws netlink::NoIpv4Path if the host has no path, and std::system_error if the look-up fails.
/// `tunnel_index` is the index of the tunnel's own link.
[[nodiscard]] Underlay find_underlay(netlink::Netlink& netlink, const config::Configuration& configuration,
                                     const wire::Ipv4Address& remote, int tunnel_index);

/// The message about an underlay with `loops`.
[[nodiscard]] std::string loop_text(const config::Configuration& configuration,
                                    const wire::Ipv4Address& remote);

}  // namespace sixin4::tunnel
