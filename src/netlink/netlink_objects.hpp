// Links, addresses, routes and rules as rtnetlink(7) messages, and back. For this room's own use.
#pragma once

#include <cstdint>
#include <optional>

#include "sixin4/netlink/network_objects.hpp"

#include "netlink_message.hpp"

namespace sixin4::netlink {

enum class Ipv4RouteKind : std::uint8_t { unicast, local, broadcast, multicast };

/// The kernel's answer to an `Ipv4PathQuery`.
struct Ipv4Route {
  Ipv4RouteKind kind = Ipv4RouteKind::unicast;
  Ipv4Path path;  ///< without its MTU
};

// Requests of `type` (RTM_NEW…, RTM_DEL…) with netlink `flags`.
[[nodiscard]] NetlinkRequest address_request(std::uint16_t type, unsigned flags, int link_index,
                                             const InterfaceAddress& address);
[[nodiscard]] NetlinkRequest route_request(std::uint16_t type, unsigned flags, int link_index,
                                           const Ipv6Route& route);
[[nodiscard]] NetlinkRequest label_request(std::uint16_t type, unsigned flags, int link_index,
                                           const AddressLabel& label);
[[nodiscard]] NetlinkRequest rule_request(std::uint16_t type, unsigned flags, const Rule& rule);

// Questions.
[[nodiscard]] NetlinkRequest link_question(int link_index);
/// RTM_GETNEIGH asks for an IPv4 neighbour, RTM_NEWNEIGH tells that it is in use.
[[nodiscard]] NetlinkRequest neighbour_request(std::uint16_t type, int link_index,
                                               const wire::Ipv4Address& address);
[[nodiscard]] NetlinkRequest ipv6_path_request(const wire::Ipv6Address& destination,
                                               const std::optional<wire::Ipv6Address>& source,
                                               unsigned flags);
/// For the way to one address, as `ip route get` asks.
[[nodiscard]] NetlinkRequest path_request(const Ipv4PathQuery& query, unsigned flags);

// Answers; nothing where the message tells of something else, or of what the type cannot express.
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
/// Whether it is an IPv4 rule with a condition that `Ipv4PathQuery` cannot express.
[[nodiscard]] bool is_ipv4_rule_beyond_path_query(const nlmsghdr& message);
/// Its link-layer address, where the kernel would send to it.
[[nodiscard]] std::optional<wire::MacAddress> parse_neighbour(const nlmsghdr& message);
/// Whether the kernel itself has found the neighbour and would verify it before it is used for long. An entry
/// that another program has set (NTF_EXT_LEARNED, or a flag of NDA_FLAGS_EXT) is not of that kind.
[[nodiscard]] bool is_stale_neighbour_of_kernel(const nlmsghdr& message);
/// The MTU that a route has as its metric, 0 where it has none.
[[nodiscard]] std::uint32_t parse_mtu_metric(const nlmsghdr& message);

}  // namespace sixin4::netlink
