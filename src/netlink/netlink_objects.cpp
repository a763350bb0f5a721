// rtnetlink(7) messages of links, addresses, labels, routes, rules and neighbours.
#include "netlink_objects.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include <linux/fib_rules.h>
#include <linux/if_addr.h>
#include <linux/if_addrlabel.h>
#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <sys/socket.h>

#include "sixin4/netlink/network_objects.hpp"
#include "sixin4/wire/address.hpp"
#include "sixin4/wire/address_text.hpp"

namespace sixin4::netlink {

namespace {

using wire::Ipv4Address;
using wire::Ipv6Address;
using wire::Ipv6Prefix;
using wire::MacAddress;

// The protocol of an endpoint's rules. It keeps a removal from taking a rule of another program: a request
// without a condition also matches rules that have the condition, but no rule of another protocol
// (net/core/fib_rules.c, rule_find). rtnetlink(7) and /etc/iproute2/rt_protos do not assign this number.
constexpr std::uint8_t rule_protocol = 41;

/// The table in the family header: RT_TABLE_UNSPEC for numbers above 255, which only the attribute can hold.
std::uint8_t table_octet(std::uint32_t table) {
  return table <= 0xff ? static_cast<std::uint8_t>(table) : std::uint8_t{RT_TABLE_UNSPEC};
}

Ipv4RouteKind ipv4_kind_of(std::uint8_t type) {
  switch (type) {
    case RTN_LOCAL:
      return Ipv4RouteKind::local;
    case RTN_BROADCAST:
      return Ipv4RouteKind::broadcast;
    case RTN_MULTICAST:
      return Ipv4RouteKind::multicast;
    default:
      return Ipv4RouteKind::unicast;
  }
}

}  // namespace

NetlinkRequest address_request(std::uint16_t type, unsigned flags, int link_index,
                               const InterfaceAddress& address) {
  ifaddrmsg family{};
  family.ifa_family = AF_INET6;
  family.ifa_prefixlen = address.length;
  family.ifa_flags = IFA_F_NODAD;
  family.ifa_index = static_cast<std::uint32_t>(link_index);
  NetlinkRequest request(type, flags, family);
  request.put(IFA_LOCAL, address.address.octets);
  request.put(IFA_ADDRESS, address.peer.value_or(address.address).octets);
  if (type != RTM_NEWADDR) return request;
  constexpr std::uint32_t forever = 0xffffffff;
  const ifa_cacheinfo lifetimes{
      .ifa_prefered = address.deprecated ? 0 : forever, .ifa_valid = forever, .cstamp = 0, .tstamp = 0};
  request.put(IFA_CACHEINFO, {reinterpret_cast<const std::uint8_t*>(&lifetimes), sizeof lifetimes});
  return request;
}

NetlinkRequest label_request(std::uint16_t type, unsigned flags, int link_index, const AddressLabel& label) {
  ifaddrlblmsg family{};
  family.ifal_family = AF_INET6;
  family.ifal_prefixlen = label.prefix.length;
  family.ifal_index = static_cast<std::uint32_t>(link_index);
  NetlinkRequest request(type, flags, family);
  request.put(IFAL_ADDRESS, label.prefix.address.octets);
  request.put(IFAL_LABEL, label.label);
  return request;
}

NetlinkRequest route_request(std::uint16_t type, unsigned flags, int link_index, const Ipv6Route& route) {
  rtmsg family{};
  family.rtm_family = AF_INET6;
  family.rtm_dst_len = route.prefix.length;
  family.rtm_table = table_octet(route.table);
  // A removal matches any protocol, because `add_route` takes over an existing route.
  family.rtm_protocol = type == RTM_NEWROUTE ? RTPROT_STATIC : RTPROT_UNSPEC;
  family.rtm_scope = RT_SCOPE_UNIVERSE;
  family.rtm_type = RTN_UNICAST;
  NetlinkRequest request(type, flags, family);
  request.put(RTA_DST, route.prefix.address.octets);
  request.put(RTA_TABLE, route.table);
  request.put(RTA_OIF, static_cast<std::uint32_t>(link_index));
  if (route.metric) request.put(RTA_PRIORITY, *route.metric);
  return request;
}

NetlinkRequest rule_request(std::uint16_t type, unsigned flags, const Rule& rule) {
  fib_rule_hdr family{};
  family.family = AF_INET6;
  family.src_len = rule.from.length;
  family.dst_len = rule.to ? rule.to->length : std::uint8_t{0};
  family.table = table_octet(rule.table);
  family.action = FR_ACT_TO_TBL;
  NetlinkRequest request(type, flags, family);
  if (rule.from.length > 0) request.put(FRA_SRC, rule.from.address.octets);
  if (rule.to) request.put(FRA_DST, rule.to->address.octets);
  request.put(FRA_TABLE, rule.table);
  request.put(FRA_PRIORITY, rule.priority);
  request.put(FRA_PROTOCOL, rule_protocol);
  return request;
}

NetlinkRequest link_request(int link_index) {
  ifinfomsg family{};
  family.ifi_index = link_index;
  NetlinkRequest request(RTM_GETLINK, 0, family);
  request.put(IFLA_EXT_MASK, std::uint32_t{RTEXT_FILTER_SKIP_STATS});
  return request;
}

std::optional<Link> parse_link(const nlmsghdr& message) {
  const auto family = family_header<ifinfomsg>(message);
  if (message.nlmsg_type != RTM_NEWLINK || !family) return std::nullopt;
  const NetlinkAttributes attributes(message, sizeof *family);
  const bool ethernet = family->ifi_type == ARPHRD_ETHER && (family->ifi_flags & IFF_NOARP) == 0;
  return Link{.index = family->ifi_index,
              .name = attributes.text(IFLA_IFNAME),
              .mtu = attributes.number(IFLA_MTU).value_or(0),
              .up = (family->ifi_flags & IFF_UP) != 0,
              .ethernet = ethernet ? attributes.address<MacAddress>(IFLA_ADDRESS) : std::nullopt};
}

std::optional<InterfaceAddress> parse_address(const nlmsghdr& message, int link_index) {
  const auto family = family_header<ifaddrmsg>(message);
  if (message.nlmsg_type != RTM_NEWADDR || !family || family->ifa_family != AF_INET6 ||
      family->ifa_index != static_cast<std::uint32_t>(link_index)) {
    return std::nullopt;
  }
  const NetlinkAttributes attributes(message, sizeof *family);
  const auto address = attributes.address<Ipv6Address>(IFA_ADDRESS);
  if (!address) return std::nullopt;
  // With a peer, IFA_ADDRESS is the peer's address and IFA_LOCAL the address of this host. Without a peer
  // there is no IFA_LOCAL.
  const auto local = attributes.address<Ipv6Address>(IFA_LOCAL);
  return canonical(InterfaceAddress{.address = local.value_or(*address),
                                    .length = family->ifa_prefixlen,
                                    .peer = local ? address : std::nullopt,
                                    .deprecated = (family->ifa_flags & IFA_F_DEPRECATED) != 0});
}

std::optional<HostAddress> parse_host_address(const nlmsghdr& message) {
  constexpr std::uint32_t unusable = IFA_F_TENTATIVE | IFA_F_DADFAILED;
  const auto family = family_header<ifaddrmsg>(message);
  if (message.nlmsg_type != RTM_NEWADDR || !family || family->ifa_family != AF_INET6) return std::nullopt;
  const NetlinkAttributes attributes(message, sizeof *family);
  const auto flags = attributes.number(IFA_FLAGS).value_or(family->ifa_flags);
  const auto local = attributes.address<Ipv6Address>(IFA_LOCAL);
  const auto address = local ? local : attributes.address<Ipv6Address>(IFA_ADDRESS);
  if (!address || (flags & unusable) != 0) return std::nullopt;
  return HostAddress{.address = *address,
                     .prefix_length = family->ifa_prefixlen,
                     .link_index = static_cast<int>(family->ifa_index),
                     .deprecated = (flags & IFA_F_DEPRECATED) != 0,
                     .temporary = (flags & IFA_F_TEMPORARY) != 0};
}

std::optional<PolicyLabel> parse_policy_label(const nlmsghdr& message) {
  const auto family = family_header<ifaddrlblmsg>(message);
  if (message.nlmsg_type != RTM_NEWADDRLABEL || !family || family->ifal_family != AF_INET6)
    return std::nullopt;
  const NetlinkAttributes attributes(message, sizeof *family);
  const auto label = attributes.number(IFAL_LABEL);
  if (!label) return std::nullopt;
  return PolicyLabel{.prefix = {attributes.address<Ipv6Address>(IFAL_ADDRESS).value_or(Ipv6Address{}),
                                family->ifal_prefixlen},
                     .link_index = static_cast<int>(family->ifal_index),
                     .label = *label};
}

std::optional<AddressLabel> parse_label(const nlmsghdr& message, int link_index) {
  const auto label = parse_policy_label(message);
  if (!label || label->link_index != link_index) return std::nullopt;
  return AddressLabel{.prefix = label->prefix, .label = label->label};
}

std::optional<Ipv6Path> parse_ipv6_path(const nlmsghdr& message) {
  const auto family = family_header<rtmsg>(message);
  if (message.nlmsg_type != RTM_NEWROUTE || !family || family->rtm_family != AF_INET6) return std::nullopt;
  const NetlinkAttributes attributes(message, sizeof *family);
  const auto link_index = attributes.number(RTA_OIF);
  if (!link_index) return std::nullopt;
  return Ipv6Path{
      .source = attributes.address<Ipv6Address>(RTA_PREFSRC),
      .link_index = static_cast<int>(*link_index),
      .table = attributes.number(RTA_TABLE).value_or(family->rtm_table),
      .prefix = {attributes.address<Ipv6Address>(RTA_DST).value_or(Ipv6Address{}), family->rtm_dst_len},
      .gateway = attributes.address<Ipv6Address>(RTA_GATEWAY)};
}

std::optional<Ipv6Route> parse_route(const nlmsghdr& message, int link_index, std::uint32_t table) {
  const auto family = family_header<rtmsg>(message);
  if (message.nlmsg_type != RTM_NEWROUTE || !family || family->rtm_family != AF_INET6 ||
      family->rtm_type != RTN_UNICAST || family->rtm_src_len != 0 ||
      (family->rtm_flags & RTM_F_CLONED) != 0) {
    return std::nullopt;
  }
  const NetlinkAttributes attributes(message, sizeof *family);
  if (attributes.has(RTA_GATEWAY) || attributes.number(RTA_OIF) != static_cast<std::uint32_t>(link_index) ||
      attributes.number(RTA_TABLE).value_or(family->rtm_table) != table) {
    return std::nullopt;
  }
  const auto destination = attributes.address<Ipv6Address>(RTA_DST).value_or(Ipv6Address{});
  return canonical(Ipv6Route{.prefix = {destination, family->rtm_dst_len},
                             .table = table,
                             .metric = attributes.number(RTA_PRIORITY)});
}

std::optional<Rule> parse_rule(const nlmsghdr& message) {
  constexpr std::uint32_t no_suppression = 0xffffffff;
  constexpr std::array<std::size_t, 6> expressible{FRA_DST,   FRA_SRC,      FRA_PRIORITY,
                                                   FRA_TABLE, FRA_PROTOCOL, FRA_SUPPRESS_PREFIXLEN};
  const auto family = family_header<fib_rule_hdr>(message);
  if (message.nlmsg_type != RTM_NEWRULE || !family || family->family != AF_INET6 ||
      family->action != FR_ACT_TO_TBL || family->tos != 0 || (family->flags & FIB_RULE_INVERT) != 0) {
    return std::nullopt;
  }
  const NetlinkAttributes attributes(message, sizeof *family);
  if (attributes.has_beyond(expressible) ||
      attributes.number(FRA_SUPPRESS_PREFIXLEN).value_or(no_suppression) != no_suppression) {
    return std::nullopt;
  }
  const auto prefix = [&](std::size_t type, std::uint8_t length) {
    return Ipv6Prefix{attributes.address<Ipv6Address>(type).value_or(Ipv6Address{}), length};
  };
  return canonical(Rule{.from = prefix(FRA_SRC, family->src_len),
                        .to = prefix(FRA_DST, family->dst_len),
                        .table = attributes.number(FRA_TABLE).value_or(family->table),
                        .priority = attributes.number(FRA_PRIORITY).value_or(0)});
}

std::optional<Ipv4Route> parse_ipv4_route(const nlmsghdr& message) {
  const auto family = family_header<rtmsg>(message);
  if (message.nlmsg_type != RTM_NEWROUTE || !family || family->rtm_family != AF_INET) return std::nullopt;
  const NetlinkAttributes attributes(message, sizeof *family);
  // For a query with a source the answer has RTA_SRC instead of RTA_PREFSRC.
  const auto preferred = attributes.address<Ipv4Address>(RTA_PREFSRC);
  const auto source = preferred ? preferred : attributes.address<Ipv4Address>(RTA_SRC);
  const auto link_index = attributes.number(RTA_OIF);
  if (!source || !link_index) return std::nullopt;
  return Ipv4Route{.kind = ipv4_kind_of(family->rtm_type),
                   .path = {.source = *source,
                            .link_index = static_cast<int>(*link_index),
                            .gateway = attributes.address<Ipv4Address>(RTA_GATEWAY),
                            .plain = !attributes.has(RTA_VIA) && !attributes.has(RTA_ENCAP_TYPE)}};
}

bool is_ipv4_rule_beyond_path_query(const nlmsghdr& message) {
  constexpr std::size_t fra_dscp = FRA_DPORT_RANGE + 1;  // not in Debian 12's headers
  const auto family = family_header<fib_rule_hdr>(message);
  if (message.nlmsg_type != RTM_NEWRULE || !family || family->family != AF_INET) return false;
  const NetlinkAttributes attributes(message, sizeof *family);
  return family->tos != 0 || attributes.has(fra_dscp) || attributes.has(FRA_IP_PROTO) ||
         attributes.has(FRA_SPORT_RANGE) || attributes.has(FRA_DPORT_RANGE);
}

std::uint32_t parse_mtu_metric(const nlmsghdr& message) {
  const auto family = family_header<rtmsg>(message);
  if (message.nlmsg_type != RTM_NEWROUTE || !family) return 0;
  const auto metrics = NetlinkAttributes(message, sizeof *family).nested(RTA_METRICS);
  return metrics ? metrics->number(RTAX_MTU).value_or(0) : 0;
}

NetlinkRequest path_request(const Ipv4PathQuery& query, unsigned flags) {
  rtmsg family{};
  family.rtm_family = AF_INET;
  family.rtm_dst_len = 32;
  family.rtm_src_len = query.source ? 32 : 0;
  family.rtm_flags = flags;
  NetlinkRequest request(RTM_GETROUTE, 0, family);
  request.put(RTA_DST, query.destination.octets);
  if (query.source) request.put(RTA_SRC, query.source->octets);
  if (query.oif) request.put(RTA_OIF, static_cast<std::uint32_t>(*query.oif));
  return request;
}

NetlinkRequest ipv6_path_request(const Ipv6Address& destination, const std::optional<Ipv6Address>& source,
                                 unsigned flags) {
  rtmsg family{};
  family.rtm_family = AF_INET6;
  family.rtm_dst_len = 128;
  family.rtm_src_len = source ? 128 : 0;
  family.rtm_flags = flags;
  NetlinkRequest request(RTM_GETROUTE, 0, family);
  request.put(RTA_DST, destination.octets);
  if (source) request.put(RTA_SRC, source->octets);
  return request;
}

NetlinkRequest neighbour_request(std::uint16_t type, int link_index, const Ipv4Address& address) {
  ndmsg family{};
  family.ndm_family = AF_INET;
  family.ndm_ifindex = link_index;
  if (type == RTM_NEWNEIGH) family.ndm_flags = NTF_USE;
  NetlinkRequest request(type, 0, family);
  request.put(NDA_DST, address.octets);
  return request;
}

std::optional<MacAddress> parse_neighbour(const nlmsghdr& message) {
  constexpr unsigned usable =  // NUD_VALID of include/net/neighbour.h
      NUD_PERMANENT | NUD_NOARP | NUD_REACHABLE | NUD_PROBE | NUD_STALE | NUD_DELAY;
  const auto family = family_header<ndmsg>(message);
  if (message.nlmsg_type != RTM_NEWNEIGH || !family || (family->ndm_state & usable) == 0) return std::nullopt;
  return NetlinkAttributes(message, sizeof *family).address<MacAddress>(NDA_LLADDR);
}

bool is_stale_neighbour_of_kernel(const nlmsghdr& message) {
  const auto family = family_header<ndmsg>(message);
  if (message.nlmsg_type != RTM_NEWNEIGH || !family || family->ndm_state != NUD_STALE) return false;
  const auto more_flags = NetlinkAttributes(message, sizeof *family).number(NDA_FLAGS_EXT).value_or(0);
  // Any flag in NDA_FLAGS_EXT counts: NTF_USE clears all of them, and later kernels may define more.
  return (family->ndm_flags & NTF_EXT_LEARNED) == 0 && more_flags == 0;
}

}  // namespace sixin4::netlink
