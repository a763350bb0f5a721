// The endpoint's questions and requests to rtnetlink(7).
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

/// The host would send no IPv4 packet to a destination. The text names the destination and the reason.
class NoIpv4Path : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// A request socket in the network namespace in which it was made. Every call waits for the kernel's
/// answer. A refusal throws `std::system_error` with the kernel's errno and a text like
/// `cannot add route 2001:db8::/32 dev sixin4 table 100: Operation not permitted`, the kernel's own
/// explanation before the errno's when it gives one. Listing needs no privilege, the rest CAP_NET_ADMIN.
///
/// `add_*` of what is there already in the same form succeeds without a change; in another form (an
/// address with another length, a route of this prefix and metric on another link) it throws EEXIST.
/// `remove_*` of what is absent succeeds.
class Netlink {
 public:
  Netlink();
  ~Netlink();
  Netlink(Netlink&& other) noexcept;
  Netlink& operator=(Netlink&& other) noexcept;
  Netlink(const Netlink&) = delete;
  Netlink& operator=(const Netlink&) = delete;

  [[nodiscard]] std::optional<Link> link(const std::string& name);
  [[nodiscard]] std::optional<Link> link(int index);
  void configure_link(int link_index, const LinkSettings& settings);

  /// The IPv6 addresses of a link; none when the link does not exist.
  [[nodiscard]] std::vector<InterfaceAddress> addresses(int link_index);
  /// Added without duplicate address detection: nobody else can hold it on a point-to-point link.
  void add_address(int link_index, const InterfaceAddress& address);
  /// Gives an address that is there its lifetime.
  void change_address(int link_index, const InterfaceAddress& address);
  void remove_address(int link_index, const InterfaceAddress& address);

  /// The labels of addresses on a link (RFC 6724 §2.1); they outlive it.
  [[nodiscard]] std::vector<AddressLabel> labels(int link_index);
  void add_label(int link_index, const AddressLabel& label);
  void remove_label(int link_index, const AddressLabel& label);

  /// All that the host may send from, of all links.
  [[nodiscard]] std::vector<HostAddress> host_addresses();
  /// Of all links.
  [[nodiscard]] std::vector<PolicyLabel> policy_labels();
  /// The path that a packet from `source`, where one is given, takes; nothing where there is none.
  [[nodiscard]] std::optional<Ipv6Path> ipv6_path_to(const wire::Ipv6Address& destination,
                                                     const std::optional<wire::Ipv6Address>& source);

  /// Routes of one table straight into a link, in canonical form, whoever made them.
  [[nodiscard]] std::vector<Ipv6Route> routes(int link_index, std::uint32_t table);
  /// Needs the link up: the kernel refuses with ENETDOWN otherwise.
  void add_route(int link_index, const Ipv6Route& route);
  void remove_route(int link_index, const Ipv6Route& route);

  /// The rules that `Rule` can express, in canonical form; one with more conditions is not among them.
  [[nodiscard]] std::vector<Rule> rules();
  void add_rule(const Rule& rule);
  /// The kernel takes a rule without `to` as a pattern: where rules differ in `to` only, remove that one
  /// last.
  void remove_rule(const Rule& rule);

  /// The path that packets take from a socket bound to its source. Throws NoIpv4Path when the host has no
  /// route to it, a route that discards or forbids packets, no source address, or not the source asked for.
  [[nodiscard]] Ipv4Path path_to(const Ipv4PathQuery& query);
  /// Whether an IPv4 policy rule looks at more of a packet than `path_to` can ask for: its protocol, its
  /// ports, its TOS octet. Such a rule may send single packets another way.
  [[nodiscard]] bool has_rules_beyond_path_query();

  /// The link-layer address of an IPv4 neighbour; nothing where the kernel has none that it would use.
  [[nodiscard]] std::optional<wire::MacAddress> neighbour(int link_index, const wire::Ipv4Address& address);
  /// Has the kernel verify a stale neighbour, as a packet of its own to that neighbour would. An entry in any
  /// other state stays as it is: a request with NTF_USE takes NUD_PERMANENT, NTF_EXT_LEARNED and NTF_MANAGED
  /// from an entry (net/core/neighbour.c, __neigh_update), and those were set by somebody else.
  void verify_neighbour(int link_index, const wire::Ipv4Address& address);

 private:
  [[nodiscard]] std::string dev(int link_index);
  [[nodiscard]] Ipv4Path way_to(const Ipv4PathQuery& query);
  [[nodiscard]] bool is_own_address(const wire::Ipv4Address& address);

  std::unique_ptr<NetlinkSocket> socket_;
};

}  // namespace sixin4::netlink
