// The host's links, IPv6 addresses, routes and rules, and the IPv4 path to the far end, as values.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>

#include "sixin4/wire/address.hpp"

namespace sixin4::netlink {

inline constexpr std::uint32_t main_table = 254;  ///< RT_TABLE_MAIN
inline constexpr std::uint32_t default_route_metric =
    1024;  ///< what the kernel gives an IPv6 route without one

struct Link {
  int index = 0;
  std::string name;
  std::uint32_t mtu = 0;  ///< in bytes, without the link header
  bool up = false;        ///< IFF_UP, the administrative state; says nothing about a carrier
  /// Its address where packets have an Ethernet header and ARP finds the neighbours; nothing on any other
  /// link.
  std::optional<wire::MacAddress> ethernet = std::nullopt;
  auto operator<=>(const Link&) const = default;
};

/// What to change on a link; what is not set stays as it is.
struct LinkSettings {
  std::optional<std::uint32_t> mtu = std::nullopt;         ///< in bytes
  std::optional<std::uint32_t> txqueuelen = std::nullopt;  ///< in packets
  std::optional<bool> up = std::nullopt;
  bool addrgenmode_none = false;  ///< no automatic link-local address when the link comes up
};

struct Ipv4PathQuery {
  wire::Ipv4Address destination;
  std::optional<wire::Ipv4Address> source = std::nullopt;  ///< policy rules may depend on it
  std::optional<int> oif = std::nullopt;                   ///< only out of this link
};

/// How IPv4 packets leave for a destination.
struct Ipv4Path {
  wire::Ipv4Address source;  ///< the one that the kernel prefers
  int link_index = 0;        ///< of the output link
  std::uint32_t mtu =
      0;  ///< in bytes: the route's metric where it has one, at most the link's MTU; not what ICMP told
  std::optional<wire::Ipv4Address> gateway = std::nullopt;  ///< nothing: on the link
  bool plain = true;  ///< the route wraps packets in nothing, and its gateway, if any, is an IPv4 one

  /// Whether the path leads into the tunnel that it is meant to carry.
  [[nodiscard]] bool loops_into(int tunnel_index) const noexcept { return link_index == tunnel_index; }
  auto operator<=>(const Ipv4Path&) const = default;
};

struct InterfaceAddress {
  wire::Ipv6Address address;
  std::uint8_t length = 128;  ///< of the on-link prefix in bits; the peer's when there is one
  std::optional<wire::Ipv6Address> peer = std::nullopt;
  bool deprecated = false;  ///< its preferred lifetime is 0: no source by itself where there is another
  // NOLINTNEXTLINE(readability-implicit-bool-conversion): nobody converts it
  auto operator<=>(const InterfaceAddress&) const = default;

  /// The same object to the kernel, perhaps with another lifetime.
  [[nodiscard]] bool is_same_as(const InterfaceAddress& other) const noexcept {
    return address == other.address && length == other.length && peer == other.peer;
  }
};

/// The label of an address on one link (RFC 6724 §2.1): a source is preferred where its label is that of the
/// destination.
struct AddressLabel {
  wire::Ipv6Prefix prefix;
  std::uint32_t label = 0;
  auto operator<=>(const AddressLabel&) const = default;
};

/// A label for addresses of all links, or of one.
struct PolicyLabel {
  wire::Ipv6Prefix prefix;
  int link_index = 0;  ///< 0: of all links
  std::uint32_t label = 0;
};

/// An address that packets of this host may have as their source.
struct HostAddress {
  wire::Ipv6Address address;
  std::uint8_t prefix_length = 128;
  int link_index = 0;
  bool deprecated = false;
  bool temporary = false;  ///< RFC 8981
};

/// How IPv6 packets leave for a destination.
struct Ipv6Path {
  std::optional<wire::Ipv6Address> source = std::nullopt;  ///< the one that the kernel prefers
  int link_index = 0;
  std::uint32_t table = main_table;
  wire::Ipv6Prefix prefix;  ///< of the route
  std::optional<wire::Ipv6Address> gateway = std::nullopt;
};

/// A unicast route straight into a link, without a gateway.
struct Ipv6Route {
  wire::Ipv6Prefix prefix;
  std::uint32_t table = main_table;
  std::optional<std::uint32_t> metric = std::nullopt;  ///< `default_route_metric` when absent
  auto operator<=>(const Ipv6Route&) const = default;
};

/// An IPv6 policy rule that sends packets to a routing table.
struct Rule {
  wire::Ipv6Prefix from;  ///< length 0: from all
  std::optional<wire::Ipv6Prefix> to = std::nullopt;
  std::uint32_t table = main_table;
  std::uint32_t priority = 0;  ///< lower comes first
  auto operator<=>(const Rule&) const = default;
};

/// The form in which the kernel lists the same object: prefixes without host bits, the default metric
/// written out, no peer that is the address itself, no `to` that means everything.
[[nodiscard]] InterfaceAddress canonical(InterfaceAddress address) noexcept;
[[nodiscard]] Ipv6Route canonical(Ipv6Route route) noexcept;
[[nodiscard]] Rule canonical(Rule rule) noexcept;

/// As ip(8) writes them: `2001:db8::2 peer 2001:db8::1/64`, `2001:db8::/32 dev sixin4 table 100 metric 5`,
/// `from 2001:db8::/48 to 2001:db8:1::/48 table 100 priority 1000`.
[[nodiscard]] std::string to_string(const InterfaceAddress& address);
[[nodiscard]] std::string to_string(const Ipv6Route& route, const std::string& dev = {});
[[nodiscard]] std::string to_string(const Rule& rule);
[[nodiscard]] std::string to_string(const AddressLabel& label);
[[nodiscard]] std::string to_string(const LinkSettings& settings);

}  // namespace sixin4::netlink
