#include "underlay.hpp"

#include <algorithm>
#include <cerrno>
#include <system_error>

#include "sixin4/control/address_text.hpp"
#include "sixin4/wire/ipv4.hpp"

namespace sixin4 {

Underlay find_underlay(control::Netlink& netlink, const control::Configuration& configuration,
                       const wire::Ipv4Address& remote, int tunnel_index) {
  std::optional<int> dev_index;
  if (!configuration.dev.empty()) {
    const auto dev = netlink.link(configuration.dev);
    if (!dev) {
      throw std::system_error(ENODEV, std::generic_category(), "cannot bind to link " + configuration.dev);
    }
    dev_index = dev->index;
  }
  const auto path = netlink.path_to({.destination = remote, .source = configuration.local, .oif = dev_index});
  if (!path) {
    throw std::system_error(
        ENETUNREACH, std::generic_category(),
        "cannot reach remote " + control::to_string(remote) +
            (configuration.local
                 ? " from " + control::to_string(*configuration.local) +
                       ": 'local' must be an IPv4 address of this host, with a route to 'remote'"
                 : ": there must be an IPv4 route to it"));
  }
  if (path->source == remote) {
    throw std::system_error(EINVAL, std::generic_category(),
                            "remote " + control::to_string(remote) + " is this host itself");
  }
  const auto mtu = std::clamp<std::size_t>(path->mtu, wire::ipv4_min_mtu, wire::ipv4_max_packet);
  return {.ends = {.local = path->source,
                   .remote = remote,
                   .dev = configuration.dev,
                   .dev_index = dev_index.value_or(0)},
          .link_index = path->link_index,
          .gateway = path->gateway,
          .route_mtu = static_cast<std::uint16_t>(mtu),
          .plain = path->plain,
          .loops = path->loops_into(tunnel_index)};
}

}  // namespace sixin4
