// The IPv4 path under the tunnel, and what configuration and path together mean for the engine.
#pragma once

#include <cstdint>
#include <optional>

#include "sixin4/control/configuration.hpp"
#include "sixin4/control/netlink.hpp"
#include "sixin4/engine/parameters.hpp"
#include "sixin4/engine/path_mtu.hpp"
#include "sixin4/io/raw_socket.hpp"

namespace sixin4 {

/// The IPv4 side as routing sees it now.
struct Underlay {
  io::WireEnds ends;
  int link_index = 0;  ///< of the link that leads to the far end
  std::optional<wire::Ipv4Address> gateway;
  std::uint16_t route_mtu = 0;  ///< of the link, or less where the route says so
  bool loops = false;           ///< the route to the far end leads into the tunnel itself
  bool operator==(const Underlay&) const = default;
};

/// Throws std::system_error where there is no path, or not the link that it is bound to.
[[nodiscard]] Underlay find_underlay(control::Netlink& netlink, const control::Configuration& configuration,
                                     const wire::Ipv4Address& remote, int tunnel_index);

/// `fixed_mtu` stands for the configuration's MTU, which holds at the start only; nothing: auto.
[[nodiscard]] engine::TunnelParameters parameters_of(const control::Configuration& configuration,
                                                     const Underlay& underlay, const engine::PathMtu& path,
                                                     std::optional<std::uint16_t> fixed_mtu);

}  // namespace sixin4
