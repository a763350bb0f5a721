// The IPv4 path under the tunnel.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "sixin4/config/configuration.hpp"
#include "sixin4/io/wire_ends.hpp"
#include "sixin4/netlink/netlink.hpp"

namespace sixin4::tunnel {

/// The IPv4 side as routing sees it now.
struct Underlay {
  io::WireEnds ends;
  int link_index = 0;  ///< of the link that leads to the far end
  std::optional<wire::Ipv4Address> gateway;
  std::uint16_t route_mtu = 0;  ///< of the link, or less where the route says so
  bool plain = true;            ///< as netlink::Ipv4Path has it
  bool loops = false;           ///< the route to the far end leads into the tunnel itself
  std::string no_path{};        ///< the reason why no packet may be sent; empty: there is a path. The rest is
                                ///< that of the last path.
  bool operator==(const Underlay&) const = default;
};

/// Throws netlink::NoIpv4Path when the host has no path, and std::system_error when it cannot be looked up.
[[nodiscard]] Underlay find_underlay(netlink::Netlink& netlink, const config::Configuration& configuration,
                                     const wire::Ipv4Address& remote, int tunnel_index);

/// What is said of an underlay that loops.
[[nodiscard]] std::string loop_text(const config::Configuration& configuration,
                                    const wire::Ipv4Address& remote);

}  // namespace sixin4::tunnel
