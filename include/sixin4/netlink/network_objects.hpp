// Links, IPv6 addresses, labels, routes and rules of the host, and paths of packets, as values.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>

#include "sixin4/wire/address.hpp"

namespace sixin4::netlink {

inline constexpr std::uint32_t main_table = 254;  ///< RT_TABLE_MAIN
/// The metric that the kernel gives to an IPv6 route without one (IP6_RT_PRIO_USER).
inline constexpr std::uint32_t default_route_metric = 1024;

struct Link {
  int index = 0;
  std::string name;
  std::uint32_t mtu = 0;  ///< in bytes, without the link header
  bool up = false;        ///< IFF_UP, the administrative state; not the carrier
  /// The MAC address of a link with Ethernet headers and ARP; nothing for other links.
  std::optional<wire::MacAddress> ethernet = std::nullopt;
  auto operator<=>(const Link&) const = default;
};

/// Changes to a link. Members without a value change nothing.
struct LinkSettings {
  std::optional<std::uint32_t> mtu = std::nullopt;         ///< in bytes
  std::optional<std::uint32_t> txqueuelen = std::nullopt;  ///< in packets
  std::optional<bool> up = std::nullopt;
  bool addrgenmode_none = false;  ///< the kernel adds no link-local address when the link comes up
};

/// The packets of a socket, for a route lookup.
struct Ipv4PathQuery {
  wire::Ipv4Address destination;
  std::optional<wire::Ipv4Address> source = std::nullopt;  ///< of the socket; policy rules may depend on it
  std::optional<int> oif = std::nullopt;                   ///< index of the link that the socket is bound to
};

/// The path of IPv4 packets to a destination.
struct Ipv4Path {
  wire::Ipv4Address source;  ///< the source that the kernel chooses
  int link_index = 0;        ///< of the output link
  /// In bytes: the MTU metric of the route if it has one, but at most the MTU of the link. A path MTU learned
  /// from ICMP is not included.
  std::uint32_t mtu = 0;
  std::optional<wire::Ipv4Address> gateway = std::nullopt;  ///< nothing: the destination is on the link
  bool plain = true;  ///< the route has no encapsulation, and its gateway, if any, is an IPv4 address

  /// Whether the output link is the tunnel whose packets the path is to carry.
  [[nodiscard]] bool loops_into(int tunnel_index) const noexcept { return link_index == tunnel_index; }
  auto operator<=>(const Ipv4Path&) const = default;
};

struct InterfaceAddress {
  wire::Ipv6Address address;
  /// Length of the on-link prefix in bits; with a peer, of the prefix of the peer's address.
  std::uint8_t length = 128;
  std::optional<wire::Ipv6Address> peer = std::nullopt;
  /// The preferred lifetime is 0: the kernel prefers other sources (RFC 6724 §5, rule 3).
  bool deprecated = false;
  // NOLINTNEXTLINE(readability-implicit-bool-conversion): of the comparison of two bools
  auto operator<=>(const InterfaceAddress&) const = default;

  /// Whether both are the same object in the kernel, perhaps with different lifetimes.
  [[nodiscard]] bool is_same_as(const InterfaceAddress& other) const noexcept {
    return address == other.address && length == other.length && peer == other.peer;
  }
};

/// An address label of one link (RFC 6724 §2.1). A source with the label of the destination is preferred.
struct AddressLabel {
  wire::Ipv6Prefix prefix;
  std::uint32_t label = 0;
  auto operator<=>(const AddressLabel&) const = default;
};

/// An address label of one link or of all links.
struct PolicyLabel {
  wire::Ipv6Prefix prefix;
  int link_index = 0;  ///< 0 for all links
  std::uint32_t label = 0;
};

/// An IPv6 address of this host that can be the source of packets.
struct HostAddress {
  wire::Ipv6Address address;
  std::uint8_t prefix_length = 128;
  int link_index = 0;
  bool deprecated = false;
  bool temporary = false;  ///< RFC 8981
};

/// The path of IPv6 packets to a destination.
struct Ipv6Path {
  std::optional<wire::Ipv6Address> source = std::nullopt;  ///< the source that the kernel chooses
  int link_index = 0;                                      ///< of the output link
  std::uint32_t table = main_table;
  wire::Ipv6Prefix prefix;  ///< of the route
  std::optional<wire::Ipv6Address> gateway = std::nullopt;
};

/// A unicast route into a link, without a gateway.
struct Ipv6Route {
  wire::Ipv6Prefix prefix;
  std::uint32_t table = main_table;
  std::optional<std::uint32_t> metric = std::nullopt;  ///< `default_route_metric` when absent
  auto operator<=>(const Ipv6Route&) const = default;
};

/// An IPv6 policy rule that looks routes up in a table.
struct Rule {
  wire::Ipv6Prefix from;  ///< length 0: all sources
  std::optional<wire::Ipv6Prefix> to = std::nullopt;
  std::uint32_t table = main_table;
  std::uint32_t priority = 0;  ///< the kernel tries the lowest first
  auto operator<=>(const Rule&) const = default;
};

/// The form in which the kernel lists the object: prefixes without host bits, the default metric as a number,
/// no peer that equals the address, no `to` of length 0.
[[nodiscard]] InterfaceAddress canonical(InterfaceAddress address) noexcept;
[[nodiscard]] Ipv6Route canonical(Ipv6Route route) noexcept;
[[nodiscard]] Rule canonical(Rule rule) noexcept;

/// The text in the syntax of ip(8): `2001:db8::2 peer 2001:db8::1/64`,
/// `2001:db8::/32 dev sixin4 table 100 metric 5`,
/// `from 2001:db8::/48 to 2001:db8:1::/48 table 100 priority 1000`.
[[nodiscard]] std::string to_string(const InterfaceAddress& address);
[[nodiscard]] std::string to_string(const Ipv6Route& route, const std::string& dev = {});
[[nodiscard]] std::string to_string(const Rule& rule);
[[nodiscard]] std::string to_string(const AddressLabel& label);
[[nodiscard]] std::string to_string(const LinkSettings& settings);

}  // namespace sixin4::netlink
