#include "sixin4/tunnel/settings.hpp"

#include "host_plan.hpp"
#include "source_plan.hpp"

namespace sixin4::tunnel {

void take_source_rules(Settings& settings, std::uint64_t seed) {
  settings.source_rules = source_rules_of(settings.configuration);
  if (settings.source_rules && !settings.flows) {
    settings.flows = std::make_shared<engine::FlowMemory>(settings.configuration.flows, seed);
  }
}

engine::TunnelParameters parameters_of(const Settings& settings) {
  const config::Configuration& configuration = settings.configuration;
  const Underlay& underlay = settings.underlay;
  const std::uint16_t path_mtu = settings.path.value();
  const bool pmtudisc = configuration.discovers_path_mtu();
  engine::TunnelParameters parameters{
      .local = underlay.ends.local,
      .remote = underlay.ends.remote,
      .ttl = configuration.ttl,
      .tos = configuration.tos,
      .ecn = configuration.ecn,
      .mtu = engine::tunnel_mtu(path_mtu, settings.fixed_mtu, pmtudisc),
      .link_mtu = underlay.route_mtu,
      .pmtudisc = pmtudisc,
      .dont_fragment = pmtudisc && engine::path_carries_ipv6(path_mtu),
      .loops = underlay.loops,
      .no_path = !underlay.no_path.empty(),
      .error_source = wire::link_local_of(underlay.ends.local),
      .ours = own_prefixes(configuration),
      .ingress_filter = configuration.ingress_filter,
      .egress_filter = configuration.egress_filter,
      .source_rules = settings.source_rules,
      .flows = settings.flows,
      .mss_clamp = configuration.mss_clamp,
  };
  parameters.ours.push_back({.address = parameters.error_source, .length = 128});
  // A global source is better, because an error with a link-local source cannot reach a host beyond this one.
  if (!configuration.addresses.empty()) parameters.error_source = configuration.addresses.front().address;
  return parameters;
}

}  // namespace sixin4::tunnel
