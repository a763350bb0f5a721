#include "underlay.hpp"

#include <algorithm>
#include <cerrno>
#include <system_error>

#include "sixin4/control/address_text.hpp"
#include "sixin4/control/host_plan.hpp"

namespace sixin4 {

namespace {

constexpr std::uint32_t min_ipv4_mtu = 68;  // RFC 791

}  // namespace

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
  const auto mtu = std::clamp<std::uint32_t>(path->mtu, min_ipv4_mtu, wire::ipv4_max_packet);
  return {.ends = {.local = path->source,
                   .remote = remote,
                   .dev = configuration.dev,
                   .dev_index = dev_index.value_or(0)},
          .path_mtu = static_cast<std::uint16_t>(mtu),
          .loops = path->loops_into(tunnel_index)};
}

engine::TunnelParameters parameters_of(const control::Configuration& configuration, std::uint16_t mtu,
                                       const Underlay& underlay) {
  engine::TunnelParameters parameters{
      .local = underlay.ends.local,
      .remote = underlay.ends.remote,
      .ttl = configuration.ttl,
      .tos = configuration.tos,
      .ecn = configuration.ecn,
      .mtu = mtu,
      .link_mtu = underlay.path_mtu,
      .loops = underlay.loops,
      .error_source = wire::link_local_of(underlay.ends.local),
      .ours = control::own_prefixes(configuration),
      .ingress_filter = configuration.ingress_filter,
  };
  parameters.ours.push_back({.address = parameters.error_source, .length = 128});
  // A host behind this one can do more with an error that has a global source.
  if (!configuration.addresses.empty()) parameters.error_source = configuration.addresses.front().address;
  return parameters;
}

}  // namespace sixin4
