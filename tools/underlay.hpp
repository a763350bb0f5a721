// The IPv4 path under the tunnel, and what configuration and path together mean for the engine.
#pragma once

#include <cstdint>

#include "sixin4/control/configuration.hpp"
#include "sixin4/control/netlink.hpp"
#include "sixin4/engine/parameters.hpp"
#include "sixin4/io/raw_socket.hpp"

namespace sixin4 {

/// The IPv4 side as routing sees it now.
struct Underlay {
  io::WireEnds ends;
  std::uint16_t path_mtu = 0;
  bool loops = false;  ///< the route to the far end leads into the tunnel itself
  bool operator==(const Underlay&) const = default;
};

/// Throws std::system_error where there is no path, or not the link that it is bound to.
[[nodiscard]] Underlay find_underlay(control::Netlink& netlink, const control::Configuration& configuration,
                                     const wire::Ipv4Address& remote, int tunnel_index);

/// `mtu` is the tunnel MTU in force, which the configuration gives at the start only.
[[nodiscard]] engine::TunnelParameters parameters_of(const control::Configuration& configuration,
                                                     std::uint16_t mtu, const Underlay& underlay);

}  // namespace sixin4
