#include "host_plan.hpp"

#include <algorithm>

namespace sixin4::tunnel {

std::vector<wire::Ipv6Prefix> own_prefixes(const config::Configuration& configuration) {
  std::vector<wire::Ipv6Prefix> ours;
  for (const netlink::InterfaceAddress& address : configuration.addresses) {
    ours.push_back({.address = address.address, .length = 128});
  }
  ours.insert(ours.end(), configuration.prefixes.begin(), configuration.prefixes.end());
  return ours;
}

wire::Ipv6Address far_end_of(const config::Configuration& configuration, const wire::Ipv4Address& remote) {
  for (const netlink::InterfaceAddress& address : configuration.addresses) {
    if (address.peer) return *address.peer;
  }
  const auto is_ours = [&](const wire::Ipv6Address& candidate) {
    return std::ranges::find(configuration.addresses, candidate, &netlink::InterfaceAddress::address) !=
           configuration.addresses.end();
  };
  for (const netlink::InterfaceAddress& address : configuration.addresses) {
    const wire::Ipv6Prefix on_link{.address = address.address, .length = address.length};
    wire::Ipv6Address candidate = netlink::canonical(netlink::Ipv6Route{.prefix = on_link}).prefix.address;
    // Address 0 of a prefix is the subnet-router anycast address (RFC 4291 §2.6.1), except in a /127 (RFC
    // 6164).
    if (address.length < 127) candidate.octets.back() |= 1U;
    while (is_ours(candidate) && candidate.octets.back() != 0xff) ++candidate.octets.back();
    if (!is_ours(candidate) && on_link.contains(candidate)) return candidate;
  }
  return wire::link_local_of(remote);
}

netlink::HostState host_state_of(const config::Configuration& configuration, const wire::Ipv4Address& local) {
  netlink::HostState state;
  // RFC 4213 §3.7: the interface has a link-local address that contains its IPv4 address.
  state.addresses.push_back({.address = wire::link_local_of(local), .length = 64});
  state.addresses.insert(state.addresses.end(), configuration.addresses.begin(),
                         configuration.addresses.end());

  for (const auto& [address, label] : configuration.address_labels) {
    state.labels.push_back({.prefix = {address, 128}, .label = label});
  }
  for (const wire::Ipv6Prefix& prefix : configuration.routes) {
    state.routes.push_back({.prefix = prefix, .table = configuration.table, .metric = configuration.metric});
  }
  if (configuration.table == netlink::main_table) return state;

  for (const wire::Ipv6Prefix& prefix : own_prefixes(configuration)) {
    state.rules.push_back({.from = prefix, .table = configuration.table, .priority = source_rule_priority});
  }
  // A prefix that is routed to this end may be a network of several hosts. Their traffic with each other must
  // not enter the tunnel.
  for (const wire::Ipv6Prefix& prefix : configuration.prefixes) {
    state.rules.push_back(
        {.from = prefix, .to = prefix, .table = netlink::main_table, .priority = own_prefix_rule_priority});
  }
  return state;
}

}  // namespace sixin4::tunnel
