// What a configuration asks of the host.
#pragma once

#include <vector>

#include "sixin4/config/configuration.hpp"
#include "sixin4/netlink/host_network.hpp"
#include "sixin4/wire/address.hpp"

namespace sixin4::tunnel {

/// The priorities of the rules that a `table` other than main makes; both come before main's 32766.
inline constexpr std::uint32_t own_prefix_rule_priority = 20640;
inline constexpr std::uint32_t source_rule_priority = 20641;

/// Addresses, routes and rules on the interface of a tunnel whose IPv4 end is `local`.
[[nodiscard]] netlink::HostState host_state_of(const config::Configuration& configuration,
                                               const wire::Ipv4Address& local);

/// The addresses that belong to this end: the host addresses of `address`, and everything inside `prefix`.
[[nodiscard]] std::vector<wire::Ipv6Prefix> own_prefixes(const config::Configuration& configuration);

/// The far end's address inside the tunnel: the peer of an `address`; else the first host of an address's
/// on-link prefix that is not this end, where brokers put their end; else the link-local address of `remote`.
[[nodiscard]] wire::Ipv6Address far_end_of(const config::Configuration& configuration,
                                           const wire::Ipv4Address& remote);

}  // namespace sixin4::tunnel
