// Conversions between network objects and rtnetlink(7) messages.
#pragma once

#include <cstdint>
#include <optional>

#include "sixin4/netlink/network_objects.hpp"

#include "netlink_message.hpp"

namespace sixin4::netlink {

enum class Ipv4RouteKind : std::uint8_t { unicast, local, broadcast, multicast };

/// The route that the kernel answers to an `Ipv4PathQuery`.
struct Ipv4Route {
  Ipv4RouteKind kind = Ipv4RouteKind::unicast;
  Ipv4Path path;  ///< `mtu` is not set
};

// Requests of `type` (RTM_NEW…, RTM_DEL…) with netlink `flags`.
[[nodiscard]] NetlinkRequest address_request(std::uint16_t type, unsigned flags, int link_index,
                                             const InterfaceAddress& address);
[[nodiscard]] NetlinkRequest route_request(std::uint16_t type, unsigned flags, int link_index,
                                           const Ipv6Route& route);
[[nodiscard]] NetlinkRequest label_request(std::uint16_t type, unsigned flags, int link_index,
                                           const AddressLabel& label);
[[nodiscard]] NetlinkRequest rule_request(std::uint16_t type, unsigned flags, const Rule& rule);

// Queries.
[[nodiscard]] NetlinkRequest link_request(int link_index);
/// RTM_GETNEIGH queries an IPv4 neighbour, RTM_NEWNEIGH marks it as used (NTF_USE).
[[nodiscard]] NetlinkRequest neighbour_request(std::uint16_t type, int link_index,
                                               const wire::Ipv4Address& address);
/// Looks up the route to one address, as `ip -6 route get` does. `flags` are RTM_F_ flags.
[[nodiscard]] NetlinkRequest ipv6_path_request(const wire::Ipv6Address& destination,
                                               const std::optional<wire::Ipv6Address>& source,
                                               unsigned flags);
/// Looks up the route to one address, as `ip route get` does. `flags` are RTM_F_ flags.
[[nodiscard]] NetlinkRequest path_request(const Ipv4PathQuery& query, unsigned flags);

// Parsers of answers. They return nothing if the message is of another type or link, or has properties that
// the C++ type cannot express.
[[nodiscard]] std::optional<Link> parse_link(const nlmsghdr& message);
[[nodiscard]] std::optional<InterfaceAddress> parse_address(const nlmsghdr& message, int link_index);
[[nodiscard]] std::optional<HostAddress> parse_host_address(const nlmsghdr& message);
[[nodiscard]] std::optional<PolicyLabel> parse_policy_label(const nlmsghdr& message);
[[nodiscard]] std::optional<Ipv6Path> parse_ipv6_path(const nlmsghdr& message);
[[nodiscard]] std::optional<AddressLabel> parse_label(const nlmsghdr& message, int link_index);
[[nodiscard]] std::optional<Ipv6Route> parse_route(const nlmsghdr& message, int link_index,
                                                   std::uint32_t table);
[[nodiscard]] std::optional<Rule> parse_rule(const nlmsghdr& message);
[[nodiscard]] std::optional<Ipv4Route> parse_ipv4_route(const nlmsghdr& message);
/// Whether the message is an IPv4 rule with a condition that `Ipv4PathQuery` cannot express.
[[nodiscard]] bool is_ipv4_rule_beyond_path_query(const nlmsghdr& message);
/// The link-layer address of a neighbour with a valid state (NUD_VALID).
[[nodiscard]] std::optional<wire::MacAddress> parse_neighbour(const nlmsghdr& message);
/// Whether the neighbour is stale and the kernel has resolved it. An entry with NTF_EXT_LEARNED or a flag in
/// NDA_FLAGS_EXT was set by another program.
[[nodiscard]] bool is_stale_neighbour_of_kernel(const nlmsghdr& message);
/// The MTU metric of a route in bytes; 0 if it has none.
[[nodiscard]] std::uint32_t parse_mtu_metric(const nlmsghdr& message);

}  // namespace sixin4::netlink
