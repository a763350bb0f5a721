// The state of the host's network that a configuration asks for.
#pragma once

#include <vector>

#include "sixin4/config/configuration.hpp"
#include "sixin4/netlink/host_network.hpp"
#include "sixin4/wire/address.hpp"

namespace sixin4::tunnel {

/// Priorities of the policy rules that exist with a `table` other than main. Both precede the rule of table
/// main, 32766.
inline constexpr std::uint32_t own_prefix_rule_priority = 20640;
inline constexpr std::uint32_t source_rule_priority = 20641;

/// Addresses, labels, routes and rules of the tunnel's interface. `local` is the IPv4 address of this end.
[[nodiscard]] netlink::HostState host_state_of(const config::Configuration& configuration,
                                               const wire::Ipv4Address& local);

/// The addresses of this end: each `address` as a /128, and each `prefix`.
[[nodiscard]] std::vector<wire::Ipv6Prefix> own_prefixes(const config::Configuration& configuration);

/// The IPv6 address of the far end, for echo requests. It is the first of these that exists:
/// 1. the peer of an `address`,
/// 2. the first address of an on-link prefix that is not this end, because brokers use it for their end,
/// 3. the link-local address of `remote`.
[[nodiscard]] wire::Ipv6Address far_end_of(const config::Configuration& configuration,
                                           const wire::Ipv4Address& remote);

}  // namespace sixin4::tunnel
