#include "sixin4/tunnel/underlay.hpp"

#include <algorithm>
#include <string>

#include "sixin4/wire/address_text.hpp"
#include "sixin4/wire/ipv4.hpp"

namespace sixin4::tunnel {

Underlay find_underlay(netlink::Netlink& netlink, const config::Configuration& configuration,
                       const wire::Ipv4Address& remote, int tunnel_index) {
  const auto no_path = [&remote](const std::string& reason) {
    return netlink::NoIpv4Path("no IPv4 path to " + to_string(remote) + ": " + reason);
  };
  std::optional<int> dev_index;
  if (!configuration.dev.empty()) {
    const auto dev = netlink.link(configuration.dev);
    if (!dev) throw no_path("there is no link " + configuration.dev + " ('dev')");
    dev_index = dev->index;
  }
  const netlink::Ipv4Path path =
      netlink.path_to({.destination = remote, .source = configuration.local, .oif = dev_index});
  const auto mtu = std::clamp<std::size_t>(path.mtu, wire::ipv4_min_mtu, wire::ipv4_max_packet);
  return {.ends = {.local = path.source,
                   .remote = remote,
                   .dev = configuration.dev,
                   .dev_index = dev_index.value_or(0)},
          .link_index = path.link_index,
          .gateway = path.gateway,
          .route_mtu = static_cast<std::uint16_t>(mtu),
          .plain = path.plain,
          .loops = path.loops_into(tunnel_index)};
}

std::string loop_text(const config::Configuration& configuration, const wire::Ipv4Address& remote) {
  return "the IPv4 route to " + to_string(remote) + " leads into " + configuration.interface + " itself";
}

}  // namespace sixin4::tunnel
