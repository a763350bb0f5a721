// Addresses, routes, rules and links to rtnetlink(7) messages and back.
#include "sixin4/control/netlink.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <vector>

#include <linux/fib_rules.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <sys/socket.h>

#include "sixin4/control/address_text.hpp"
#include "sixin4/control/network_objects.hpp"
#include "sixin4/wire/address.hpp"

#include "netlink_message.hpp"

namespace sixin4::control {
namespace {

using wire::Ipv4Address;
using wire::Ipv6Address;
using wire::Ipv6Prefix;

/// Table numbers past 255 have no room in the family header, whose octet then says "look further".
std::uint8_t table_octet(std::uint32_t table) {
  return table <= 0xff ? static_cast<std::uint8_t>(table) : std::uint8_t{RT_TABLE_UNSPEC};
}

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
  return request;
}

NetlinkRequest route_request(std::uint16_t type, unsigned flags, int link_index, const Ipv6Route& route) {
  rtmsg family{};
  family.rtm_family = AF_INET6;
  family.rtm_dst_len = route.prefix.length;
  family.rtm_table = table_octet(route.table);
  // A removal leaves the protocol open: a route that was there when we came is ours by now.
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
  request.put(FRA_PROTOCOL, std::uint8_t{RTPROT_STATIC});
  return request;
}

NetlinkRequest link_question(int link_index) {
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
  return Link{.index = family->ifi_index,
              .name = attributes.text(IFLA_IFNAME),
              .mtu = attributes.number(IFLA_MTU).value_or(0),
              .up = (family->ifi_flags & IFF_UP) != 0};
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
  // With a peer, IFA_ADDRESS is the peer's and IFA_LOCAL ours; without one there is no IFA_LOCAL.
  const auto local = attributes.address<Ipv6Address>(IFA_LOCAL);
  return canonical(InterfaceAddress{.address = local.value_or(*address),
                                    .length = family->ifa_prefixlen,
                                    .peer = local ? address : std::nullopt});
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

/// The path without the link's share in its MTU: 0 where the route does not say.
std::optional<Ipv4Path> parse_path(const nlmsghdr& message) {
  const auto family = family_header<rtmsg>(message);
  if (message.nlmsg_type != RTM_NEWROUTE || !family || family->rtm_family != AF_INET) return std::nullopt;
  const NetlinkAttributes attributes(message, sizeof *family);
  // A source that was asked for is not repeated as the preferred one.
  const auto preferred = attributes.address<Ipv4Address>(RTA_PREFSRC);
  const auto source = preferred ? preferred : attributes.address<Ipv4Address>(RTA_SRC);
  const auto link_index = attributes.number(RTA_OIF);
  if (!source || !link_index) return std::nullopt;
  return Ipv4Path{.source = *source, .link_index = static_cast<int>(*link_index)};
}

/// The MTU that a route has as its metric, 0 where it has none.
std::uint32_t parse_mtu_metric(const nlmsghdr& message) {
  const auto family = family_header<rtmsg>(message);
  if (message.nlmsg_type != RTM_NEWROUTE || !family) return 0;
  const auto metrics = NetlinkAttributes(message, sizeof *family).nested(RTA_METRICS);
  return metrics ? metrics->number(RTAX_MTU).value_or(0) : 0;
}

/// Asks for the way to one address, as `ip route get` does.
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

[[noreturn]] void refuse(const NetlinkOutcome& outcome, std::string operation) {
  operation.insert(0, "cannot ");
  if (!outcome.explanation.empty()) operation += ": " + outcome.explanation;
  throw std::system_error(outcome.error, std::generic_category(), operation);
}

template <typename Object>
bool contains(const std::vector<Object>& objects, const Object& object) {
  return std::ranges::find(objects, object) != objects.end();
}

/// Lists all objects of a kind. A change in the middle of it tears the list, so it starts again; where
/// routes change all the time, the last torn list must do.
template <typename Object, typename Parse>
std::vector<Object> list(NetlinkSocket& socket, const NetlinkRequest& request, const std::string& kind,
                         const Parse& parse) {
  constexpr int most_attempts = 4;
  std::vector<Object> objects;
  for (int attempt = 0; attempt < most_attempts; ++attempt) {
    objects.clear();
    const auto outcome = socket.exchange(request, [&](const nlmsghdr& message) {
      if (auto object = parse(message)) objects.push_back(*object);
    });
    // No such link, or no such table: a table comes into being with its first route.
    if (outcome.error == ENODEV || outcome.error == ENOENT) return {};
    if (outcome.error != 0) refuse(outcome, "show " + kind);
    if (!outcome.interrupted) break;
  }
  return objects;
}

std::optional<Link> link_answer(NetlinkSocket& socket, const NetlinkRequest& request,
                                const std::string& name) {
  std::optional<Link> link;
  const auto outcome = socket.exchange(request, [&](const nlmsghdr& message) { link = parse_link(message); });
  if (outcome.error == ENODEV) return std::nullopt;
  if (outcome.error != 0) refuse(outcome, "show link " + name);
  return link;
}

}  // namespace

Netlink::Netlink() : socket_(std::make_unique<NetlinkSocket>()) {}
Netlink::~Netlink() = default;
Netlink::Netlink(Netlink&&) noexcept = default;
Netlink& Netlink::operator=(Netlink&&) noexcept = default;

std::optional<Link> Netlink::link(const std::string& name) {
  if (name.empty() || name.size() >= IFNAMSIZ) return std::nullopt;
  NetlinkRequest request = link_question(0);
  request.put(IFLA_IFNAME, {reinterpret_cast<const std::uint8_t*>(name.c_str()), name.size() + 1});
  return link_answer(*socket_, request, name);
}

std::optional<Link> Netlink::link(int index) {
  if (index <= 0) return std::nullopt;
  return link_answer(*socket_, link_question(index), "if" + std::to_string(index));
}

std::string Netlink::dev(int link_index) {
  const auto named = link(link_index);
  return named ? named->name : "if" + std::to_string(link_index);
}

void Netlink::configure_link(int link_index, const LinkSettings& settings) {
  const auto send = [&](const NetlinkRequest& request) {
    const auto outcome = socket_->exchange(request);
    if (outcome.error != 0) refuse(outcome, "set link " + dev(link_index) + " " + to_string(settings));
  };
  ifinfomsg family{};
  family.ifi_index = link_index;
  NetlinkRequest request(RTM_NEWLINK, 0, family);
  if (settings.mtu) request.put(IFLA_MTU, *settings.mtu);
  if (settings.txqueuelen) request.put(IFLA_TXQLEN, *settings.txqueuelen);
  if (settings.addrgenmode_none) {
    request.nest(IFLA_AF_SPEC, [&] {
      request.nest(AF_INET6,
                   [&] { request.put(IFLA_INET6_ADDR_GEN_MODE, std::uint8_t{IN6_ADDR_GEN_MODE_NONE}); });
    });
  }
  send(request);
  if (!settings.up) return;
  // In a message of its own: in one with the rest, the kernel brings the link up before it looks at
  // IFLA_AF_SPEC, and the link-local address is there already.
  family.ifi_change = IFF_UP;
  if (*settings.up) family.ifi_flags = IFF_UP;
  send(NetlinkRequest(RTM_NEWLINK, 0, family));
}

std::vector<InterfaceAddress> Netlink::addresses(int link_index) {
  ifaddrmsg family{};
  family.ifa_family = AF_INET6;
  family.ifa_index = static_cast<std::uint32_t>(link_index);
  return list<InterfaceAddress>(*socket_, NetlinkRequest(RTM_GETADDR, NLM_F_DUMP, family), "addresses",
                                [&](const nlmsghdr& message) { return parse_address(message, link_index); });
}

void Netlink::add_address(int link_index, const InterfaceAddress& address) {
  const auto wanted = canonical(address);
  const auto outcome =
      socket_->exchange(address_request(RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, link_index, wanted));
  if (outcome.error == 0) return;
  // The kernel answers EEXIST to the same address with any length and peer.
  if (outcome.error == EEXIST && contains(addresses(link_index), wanted)) return;
  // What net.ipv6.conf.*.disable_ipv6 answers, which is 1 in many containers.
  const char* remedy =
      outcome.error == EACCES ? " (IPv6 has to be enabled: sysctl net.ipv6.conf.all.disable_ipv6=0)" : "";
  refuse(outcome, "add address " + to_string(address) + " dev " + dev(link_index) + remedy);
}

void Netlink::remove_address(int link_index, const InterfaceAddress& address) {
  const auto outcome = socket_->exchange(address_request(RTM_DELADDR, 0, link_index, canonical(address)));
  if (outcome.error == 0 || outcome.error == EADDRNOTAVAIL || outcome.error == ENODEV) return;
  refuse(outcome, "remove address " + to_string(address) + " dev " + dev(link_index));
}

std::vector<Ipv6Route> Netlink::routes(int link_index, std::uint32_t table) {
  rtmsg family{};
  family.rtm_family = AF_INET6;
  NetlinkRequest request(RTM_GETROUTE, NLM_F_DUMP, family);
  request.put(RTA_TABLE, table);
  request.put(RTA_OIF, static_cast<std::uint32_t>(link_index));
  return list<Ipv6Route>(*socket_, request, "routes table " + std::to_string(table),
                         [&](const nlmsghdr& message) { return parse_route(message, link_index, table); });
}

void Netlink::add_route(int link_index, const Ipv6Route& route) {
  const auto wanted = canonical(route);
  const auto outcome =
      socket_->exchange(route_request(RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL, link_index, wanted));
  if (outcome.error == 0) return;
  // The kernel answers EEXIST to this prefix and metric on any link: the host's own default route, say.
  if (outcome.error == EEXIST && contains(routes(link_index, wanted.table), wanted)) return;
  const char* remedy =
      outcome.error == EEXIST ? " (the host has such a route: choose another metric or table)" : "";
  refuse(outcome, "add route " + to_string(route, dev(link_index)) + remedy);
}

void Netlink::remove_route(int link_index, const Ipv6Route& route) {
  const auto outcome = socket_->exchange(route_request(RTM_DELROUTE, 0, link_index, canonical(route)));
  if (outcome.error == 0 || outcome.error == ESRCH || outcome.error == ENODEV) return;
  refuse(outcome, "remove route " + to_string(route, dev(link_index)));
}

std::vector<Rule> Netlink::rules() {
  fib_rule_hdr family{};
  family.family = AF_INET6;
  return list<Rule>(*socket_, NetlinkRequest(RTM_GETRULE, NLM_F_DUMP, family), "rules", parse_rule);
}

void Netlink::add_rule(const Rule& rule) {
  const auto wanted = canonical(rule);
  auto outcome = socket_->exchange(rule_request(RTM_NEWRULE, NLM_F_CREATE | NLM_F_EXCL, wanted));
  if (outcome.error == EEXIST) {
    if (contains(rules(), wanted)) return;
    // To the kernel a rule without `to` or `from` exists already when a narrower one does.
    outcome = socket_->exchange(rule_request(RTM_NEWRULE, NLM_F_CREATE, wanted));
  }
  if (outcome.error != 0) refuse(outcome, "add rule " + to_string(rule));
}

void Netlink::remove_rule(const Rule& rule) {
  const auto wanted = canonical(rule);
  const auto before = rules();
  auto after = before;
  while (contains(after, wanted)) {
    const auto outcome = socket_->exchange(rule_request(RTM_DELRULE, 0, wanted));
    if (outcome.error == ENOENT) break;  // the listed one is of another protocol, so somebody else's
    if (outcome.error != 0) refuse(outcome, "remove rule " + to_string(rule));
    after = rules();
  }
  // For the same reason a removal without them takes the first rule that fits, which may be a narrower one.
  for (const auto& other : before) {
    const bool fits = other.priority == wanted.priority && other.table == wanted.table && other != wanted;
    if (fits && !contains(after, other)) add_rule(other);
  }
}

std::optional<Ipv4Path> Netlink::path_to(const Ipv4PathQuery& query) {
  std::optional<Ipv4Path> path;
  NetlinkRequest request = path_request(query, 0);
  const auto outcome =
      socket_->exchange(request, [&](const nlmsghdr& message) { path = parse_path(message); });
  // EINVAL: the source is not an address of this host.
  if (outcome.error == ENETUNREACH || outcome.error == EHOSTUNREACH ||
      (query.source && outcome.error == EINVAL)) {
    return std::nullopt;
  }
  if (outcome.error != 0) {
    refuse(outcome, "get route " + to_string(query.destination) +
                        (query.oif ? " oif " + dev(*query.oif) : std::string()));
  }
  if (!path) return std::nullopt;
  const auto output = link(path->link_index);
  if (!output) return std::nullopt;  // gone meanwhile, and the route with it

  // The route as it was configured: the answer above would hold what the kernel has been told by ICMP for a
  // while.
  std::uint32_t metric = 0;
  NetlinkRequest configured = path_request(query, RTM_F_FIB_MATCH);
  (void)socket_->exchange(configured, [&](const nlmsghdr& message) { metric = parse_mtu_metric(message); });
  path->mtu = metric == 0 ? output->mtu : std::min(metric, output->mtu);
  return path;
}

}  // namespace sixin4::control
