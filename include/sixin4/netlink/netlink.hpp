// Queries and requests to rtnetlink(7).
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "sixin4/netlink/network_objects.hpp"
#include "sixin4/wire/address.hpp"

namespace sixin4::netlink {

class NetlinkSocket;

/// The host has no usable IPv4 path to a destination. The message names the destination and the reason.
class NoIpv4Path : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// Owns a request socket in the network namespace of its construction. Every call waits for the kernel's
/// answer. A request that fails throws `std::system_error` with the kernel's errno and a message like `cannot
/// add route 2001:db8::/32 dev sixin4 table 100: Operation not permitted`; an explanation by the kernel
/// (NETLINK_EXT_ACK) stands before the text of the errno. Queries need no privilege, other requests
/// CAP_NET_ADMIN.
///
/// `add_*` of an object that exists in the same form succeeds without a change; in another form (an address
/// with another length, a route with this prefix and metric on another link) it throws EEXIST. `add_label`
/// replaces the label of the same prefix instead. `remove_*` of an object that does not exist succeeds.
class Netlink {
 public:
  /// Throws std::system_error.
  Netlink();
  ~Netlink();
  Netlink(Netlink&& other) noexcept;
  Netlink& operator=(Netlink&& other) noexcept;
  Netlink(const Netlink&) = delete;
  Netlink& operator=(const Netlink&) = delete;

  /// Nothing if there is no such link.
  [[nodiscard]] std::optional<Link> link(const std::string& name);
  [[nodiscard]] std::optional<Link> link(int index);
  void configure_link(int link_index, const LinkSettings& settings);

  /// The IPv6 addresses of a link, in canonical form; empty if the link does not exist.
  [[nodiscard]] std::vector<InterfaceAddress> addresses(int link_index);
  /// Without duplicate address detection, because a point-to-point link has no other holder of an address.
  void add_address(int link_index, const InterfaceAddress& address);
  /// Sets the preferred lifetime of an existing address: 0 if `address.deprecated`, else forever.
  void change_address(int link_index, const InterfaceAddress& address);
  void remove_address(int link_index, const InterfaceAddress& address);

  /// The address labels of a link (RFC 6724 §2.1). The kernel keeps them after the link is removed.
  [[nodiscard]] std::vector<AddressLabel> labels(int link_index);
  void add_label(int link_index, const AddressLabel& label);
  void remove_label(int link_index, const AddressLabel& label);

  /// The IPv6 addresses of the host, on all links, that can be the source of a packet: neither tentative
  /// addresses nor duplicates (IFA_F_DADFAILED).
  [[nodiscard]] std::vector<HostAddress> host_addresses();
  /// All address labels of the host, also the labels that apply to all links.
  [[nodiscard]] std::vector<PolicyLabel> policy_labels();
  /// The path of packets to `destination`, from `source` if it is set. Nothing if the host has no path.
  [[nodiscard]] std::optional<Ipv6Path> ipv6_path_to(const wire::Ipv6Address& destination,
                                                     const std::optional<wire::Ipv6Address>& source);

  /// The unicast routes of one table into a link, of any protocol (RTPROT_), in canonical form. Routes with a
  /// gateway or a source prefix are omitted.
  [[nodiscard]] std::vector<Ipv6Route> routes(int link_index, std::uint32_t table);
  /// Throws ENETDOWN if the link is down.
  void add_route(int link_index, const Ipv6Route& route);
  void remove_route(int link_index, const Ipv6Route& route);

  /// The IPv6 rules that `Rule` can express, in canonical form. Rules with further conditions are omitted.
  [[nodiscard]] std::vector<Rule> rules();
  void add_rule(const Rule& rule);
  /// To the kernel, a rule without `to` or `from` is a pattern that also matches narrower rules. If the
  /// kernel removes a narrower rule, this function adds that rule again. To avoid the time between, remove
  /// rules that differ in `to` only in an order that ends with the rule without `to`.
  void remove_rule(const Rule& rule);

  /// The path of packets of a socket that is bound to the path's source. Throws NoIpv4Path if the route to
  /// the destination is missing or is a blackhole, unreachable, prohibit, local, broadcast or multicast
  /// route, if its link has disappeared, or if the host has no source address or not the requested one.
  [[nodiscard]] Ipv4Path path_to(const Ipv4PathQuery& query);
  /// Whether an IPv4 policy rule has a condition that a query of `path_to` cannot contain: protocol, ports,
  /// TOS or DSCP. Such a rule may send some packets along another path.
  [[nodiscard]] bool has_rules_beyond_path_query();

  /// The link-layer address of an IPv4 neighbour; nothing if the kernel has no valid entry (NUD_VALID).
  [[nodiscard]] std::optional<wire::MacAddress> neighbour(int link_index, const wire::Ipv4Address& address);
  /// Makes the kernel verify a stale neighbour, as a packet of the kernel's IPv4 stack to that neighbour
  /// would. Entries in other states and entries that another program has set stay as they are, because a
  /// request with NTF_USE clears NUD_PERMANENT, NTF_EXT_LEARNED and NTF_MANAGED (net/core/neighbour.c,
  /// __neigh_update).
  void verify_neighbour(int link_index, const wire::Ipv4Address& address);

 private:
  [[nodiscard]] std::string dev(int link_index);
  [[nodiscard]] Ipv4Path path_without_mtu(const Ipv4PathQuery& query);
  [[nodiscard]] bool is_local_address(const wire::Ipv4Address& address);

  std::unique_ptr<NetlinkSocket> socket_;
};

}  // namespace sixin4::netlink
