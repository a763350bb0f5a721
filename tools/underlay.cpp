#include "underlay.hpp"

#include <algorithm>
#include <cerrno>
#include <system_error>

#include "sixin4/control/address_text.hpp"
#include "sixin4/control/host_plan.hpp"

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
          .loops = path->loops_into(tunnel_index)};
}

engine::TunnelParameters parameters_of(const control::Configuration& configuration, const Underlay& underlay,
                                       const engine::PathMtu& path, std::optional<std::uint16_t> fixed_mtu) {
  const bool pmtudisc = configuration.discovers_path_mtu();
  engine::TunnelParameters parameters{
      .local = underlay.ends.local,
      .remote = underlay.ends.remote,
      .ttl = configuration.ttl,
      .tos = configuration.tos,
      .ecn = configuration.ecn,
      .mtu = engine::tunnel_mtu(path.value(), fixed_mtu, pmtudisc),
      .link_mtu = underlay.route_mtu,
      .pmtudisc = pmtudisc,
      .dont_fragment = pmtudisc && engine::path_carries_ipv6(path.value()),
      .loops = underlay.loops,
      .error_source = wire::link_local_of(underlay.ends.local),
      .ours = control::own_prefixes(configuration),
      .ingress_filter = configuration.ingress_filter,
      .egress_filter = configuration.egress_filter,
      .mss_clamp = configuration.mss_clamp,
  };
  parameters.ours.push_back({.address = parameters.error_source, .length = 128});
  // A host behind this one can do more with an error that has a global source.
  if (!configuration.addresses.empty()) parameters.error_source = configuration.addresses.front().address;
  return parameters;
}

}  // namespace sixin4
