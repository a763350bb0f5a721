// The requests of an endpoint to rtnetlink(7), and the meaning of the errors that the kernel answers.
#include "sixin4/netlink/netlink.hpp"

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
#include <linux/if_addrlabel.h>
#include <linux/if_link.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <sys/socket.h>

#include "sixin4/base/system_failure.hpp"
#include "sixin4/netlink/network_objects.hpp"
#include "sixin4/wire/address.hpp"
#include "sixin4/wire/address_text.hpp"

#include "netlink_message.hpp"
#include "netlink_objects.hpp"

namespace sixin4::netlink {
namespace {

[[noreturn]] void throw_failure(const NetlinkOutcome& outcome, std::string operation) {
  operation.insert(0, "cannot ");
  if (!outcome.explanation.empty()) operation += ": " + outcome.explanation;
  throw base::system_failure(operation, outcome.error);
}

template <typename Object>
bool contains(const std::vector<Object>& objects, const Object& object) {
  return std::ranges::find(objects, object) != objects.end();
}

/// Lists all objects of a kind. A list that changed during the dump (NLM_F_DUMP_INTR) may lack objects, so
/// the dump is repeated; after four attempts the last list is used, because on some hosts routes change all
/// the time.
template <typename Object, typename Parse>
std::vector<Object> list(NetlinkSocket& socket, const NetlinkRequest& request, const std::string& kind,
                         const Parse& parse) {
  constexpr int max_attempts = 4;
  std::vector<Object> objects;
  for (int attempt = 0; attempt < max_attempts; ++attempt) {
    objects.clear();
    const auto outcome = socket.exchange(request, [&](const nlmsghdr& message) {
      if (auto object = parse(message)) objects.push_back(*object);
    });
    // ENODEV: no such link. ENOENT: no such table, because the kernel creates a table with its first route.
    if (outcome.error == ENODEV || outcome.error == ENOENT) return {};
    if (outcome.error != 0) throw_failure(outcome, "show " + kind);
    if (!outcome.interrupted) break;
  }
  return objects;
}

std::optional<Link> query_link(NetlinkSocket& socket, const NetlinkRequest& request,
                               const std::string& name) {
  std::optional<Link> link;
  const auto outcome = socket.exchange(request, [&](const nlmsghdr& message) { link = parse_link(message); });
  if (outcome.error == ENODEV) return std::nullopt;
  if (outcome.error != 0) throw_failure(outcome, "show link " + name);
  return link;
}

}  // namespace

Netlink::Netlink() : socket_(std::make_unique<NetlinkSocket>()) {}
Netlink::~Netlink() = default;
Netlink::Netlink(Netlink&&) noexcept = default;
Netlink& Netlink::operator=(Netlink&&) noexcept = default;

std::optional<Link> Netlink::link(const std::string& name) {
  if (name.empty() || name.size() >= IFNAMSIZ) return std::nullopt;
  NetlinkRequest request = link_request(0);
  request.put(IFLA_IFNAME, {reinterpret_cast<const std::uint8_t*>(name.c_str()), name.size() + 1});
  return query_link(*socket_, request, name);
}

std::optional<Link> Netlink::link(int index) {
  if (index <= 0) return std::nullopt;
  return query_link(*socket_, link_request(index), "if" + std::to_string(index));
}

std::string Netlink::dev(int link_index) {
  const auto found = link(link_index);
  return found ? found->name : "if" + std::to_string(link_index);
}

void Netlink::configure_link(int link_index, const LinkSettings& settings) {
  const auto send = [&](const NetlinkRequest& request) {
    const auto outcome = socket_->exchange(request);
    if (outcome.error != 0) throw_failure(outcome, "set link " + dev(link_index) + " " + to_string(settings));
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
  // A second message, because in a combined one the kernel brings the link up before it reads IFLA_AF_SPEC,
  // and adds the link-local address (net/core/rtnetlink.c, do_setlink).
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
  // The kernel answers EACCES if net.ipv6.conf.*.disable_ipv6 is 1, as in many containers.
  const char* remedy =
      outcome.error == EACCES ? " (enable IPv6: sysctl net.ipv6.conf.all.disable_ipv6=0)" : "";
  throw_failure(outcome, "add address " + to_string(address) + " dev " + dev(link_index) + remedy);
}

void Netlink::change_address(int link_index, const InterfaceAddress& address) {
  const auto outcome =
      socket_->exchange(address_request(RTM_NEWADDR, NLM_F_REPLACE, link_index, canonical(address)));
  if (outcome.error != 0)
    throw_failure(outcome, "change address " + to_string(address) + " dev " + dev(link_index));
}

std::vector<AddressLabel> Netlink::labels(int link_index) {
  ifaddrlblmsg family{};
  family.ifal_family = AF_INET6;
  return list<AddressLabel>(*socket_, NetlinkRequest(RTM_GETADDRLABEL, NLM_F_DUMP, family), "address labels",
                            [&](const nlmsghdr& message) { return parse_label(message, link_index); });
}

void Netlink::add_label(int link_index, const AddressLabel& label) {
  const auto outcome =
      socket_->exchange(label_request(RTM_NEWADDRLABEL, NLM_F_CREATE | NLM_F_REPLACE, link_index, label));
  if (outcome.error != 0)
    throw_failure(outcome, "add address label " + to_string(label) + " dev " + dev(link_index));
}

void Netlink::remove_label(int link_index, const AddressLabel& label) {
  const auto outcome = socket_->exchange(label_request(RTM_DELADDRLABEL, 0, link_index, label));
  if (outcome.error == 0 || outcome.error == ESRCH) return;
  throw_failure(outcome, "remove address label " + to_string(label) + " dev " + dev(link_index));
}

void Netlink::remove_address(int link_index, const InterfaceAddress& address) {
  const auto outcome = socket_->exchange(address_request(RTM_DELADDR, 0, link_index, canonical(address)));
  if (outcome.error == 0 || outcome.error == EADDRNOTAVAIL || outcome.error == ENODEV) return;
  throw_failure(outcome, "remove address " + to_string(address) + " dev " + dev(link_index));
}

std::vector<HostAddress> Netlink::host_addresses() {
  ifaddrmsg family{};
  family.ifa_family = AF_INET6;
  return list<HostAddress>(*socket_, NetlinkRequest(RTM_GETADDR, NLM_F_DUMP, family), "addresses",
                           parse_host_address);
}

std::vector<PolicyLabel> Netlink::policy_labels() {
  ifaddrlblmsg family{};
  family.ifal_family = AF_INET6;
  return list<PolicyLabel>(*socket_, NetlinkRequest(RTM_GETADDRLABEL, NLM_F_DUMP, family), "address labels",
                           parse_policy_label);
}

std::optional<Ipv6Path> Netlink::ipv6_path_to(const wire::Ipv6Address& destination,
                                              const std::optional<wire::Ipv6Address>& source) {
  std::optional<Ipv6Path> path;
  const auto outcome = socket_->exchange(ipv6_path_request(destination, source, 0),
                                         [&](const nlmsghdr& message) { path = parse_ipv6_path(message); });
  const bool no_path = outcome.error == ENETUNREACH || outcome.error == EHOSTUNREACH ||
                       outcome.error == EACCES || outcome.error == EINVAL;
  if (no_path) return std::nullopt;
  if (outcome.error != 0) throw_failure(outcome, "get route " + to_string(destination));
  if (!path) return path;
  // RTM_F_FIB_MATCH answers with the route itself. The first answer is a host route for this destination.
  (void)socket_->exchange(ipv6_path_request(destination, source, RTM_F_FIB_MATCH),
                          [&](const nlmsghdr& message) {
                            if (const auto route = parse_ipv6_path(message)) {
                              path->prefix = route->prefix;
                              path->table = route->table;
                            }
                          });
  return path;
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
  // The kernel also answers EEXIST if another link has a route with this prefix and metric, such as a default
  // route.
  if (outcome.error == EEXIST && contains(routes(link_index, wanted.table), wanted)) return;
  const char* remedy =
      outcome.error == EEXIST ? " (the host has such a route; choose another metric or table)" : "";
  throw_failure(outcome, "add route " + to_string(route, dev(link_index)) + remedy);
}

void Netlink::remove_route(int link_index, const Ipv6Route& route) {
  const auto outcome = socket_->exchange(route_request(RTM_DELROUTE, 0, link_index, canonical(route)));
  if (outcome.error == 0 || outcome.error == ESRCH || outcome.error == ENODEV) return;
  throw_failure(outcome, "remove route " + to_string(route, dev(link_index)));
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
    // With NLM_F_EXCL the kernel answers EEXIST to a rule without `to` or `from` also if only a narrower rule
    // exists (net/core/fib_rules.c, rule_exists).
    outcome = socket_->exchange(rule_request(RTM_NEWRULE, NLM_F_CREATE, wanted));
  }
  if (outcome.error != 0) throw_failure(outcome, "add rule " + to_string(rule));
}

void Netlink::remove_rule(const Rule& rule) {
  const auto wanted = canonical(rule);
  const auto before = rules();
  auto after = before;
  while (contains(after, wanted)) {
    const auto outcome = socket_->exchange(rule_request(RTM_DELRULE, 0, wanted));
    if (outcome.error == ENOENT)
      break;  // the listed rule has another protocol: it belongs to another program
    if (outcome.error != 0) throw_failure(outcome, "remove rule " + to_string(rule));
    after = rules();
  }
  // A request without `to` or `from` removes the first rule that matches the rest. It may be a narrower rule,
  // which is added again.
  for (const auto& other : before) {
    const bool matches = other.priority == wanted.priority && other.table == wanted.table && other != wanted;
    if (matches && !contains(after, other)) add_rule(other);
  }
}

Ipv4Path Netlink::path_to(const Ipv4PathQuery& query) {
  Ipv4Path path = path_without_mtu(query);
  Ipv4PathQuery bound_query = query;
  bound_query.source = path.source;
  // The kernel looks up the route of a bound socket with its source, and a policy rule may depend on the
  // source.
  if (!query.source) path = path_without_mtu(bound_query);
  const auto output = link(path.link_index);
  if (!output) {
    throw NoIpv4Path("no IPv4 path to " + to_string(query.destination) +
                     ": the link of its route has disappeared");
  }
  // RTM_F_FIB_MATCH answers with the configured route. The first answer would contain a path MTU that the
  // kernel has learned from ICMP.
  std::uint32_t metric = 0;
  (void)socket_->exchange(path_request(bound_query, RTM_F_FIB_MATCH),
                          [&](const nlmsghdr& message) { metric = parse_mtu_metric(message); });
  path.mtu = metric == 0 ? output->mtu : std::min(metric, output->mtu);
  return path;
}

Ipv4Path Netlink::path_without_mtu(const Ipv4PathQuery& query) {
  std::optional<Ipv4Route> route;
  const auto outcome = socket_->exchange(path_request(query, 0),
                                         [&](const nlmsghdr& message) { route = parse_ipv4_route(message); });
  const auto no_path = [&query](const std::string& reason) {
    return NoIpv4Path("no IPv4 path to " + to_string(query.destination) + ": " + reason);
  };
  // If the source is not an address of this host, the error is that of a missing route or of a blackhole,
  // depending on the kernel's version.
  const bool no_route = outcome.error == ENETUNREACH || outcome.error == EINVAL;
  if (no_route && query.source && !is_local_address(*query.source)) {
    throw no_path(to_string(*query.source) + " is not an address of this host ('local' must be one)");
  }
  switch (outcome.error) {
    case 0:
      break;
    case ENETUNREACH:
      throw no_path("this host has no route to it");
    case EHOSTUNREACH:
      throw no_path("an unreachable route leads to it");
    case EACCES:
      throw no_path("a prohibit route leads to it");
    case EINVAL:
      throw no_path("a blackhole route leads to it");
    default:
      throw_failure(outcome, "get route " + to_string(query.destination) +
                                 (query.oif ? " oif " + dev(*query.oif) : std::string()));
  }
  if (!route) throw no_path("the route to it has no source address or no link");
  switch (route->kind) {
    case Ipv4RouteKind::unicast:
      break;
    case Ipv4RouteKind::local:
      throw no_path("it is an address of this host itself");
    case Ipv4RouteKind::broadcast:
      throw no_path("it is a broadcast address");
    case Ipv4RouteKind::multicast:
      throw no_path("it is a multicast address");
  }
  return route->path;
}

bool Netlink::is_local_address(const wire::Ipv4Address& address) {
  std::optional<Ipv4Route> route;
  (void)socket_->exchange(path_request({.destination = address}, 0),
                          [&](const nlmsghdr& message) { route = parse_ipv4_route(message); });
  return route && route->kind == Ipv4RouteKind::local;
}

bool Netlink::has_rules_beyond_path_query() {
  fib_rule_hdr family{};
  family.family = AF_INET;
  bool found = false;
  auto outcome = socket_->exchange(
      NetlinkRequest(RTM_GETRULE, NLM_F_DUMP, family),
      [&found](const nlmsghdr& message) { found = found || is_ipv4_rule_beyond_path_query(message); });
  // A kernel without policy routing has no rules.
  if (outcome.error == EOPNOTSUPP || outcome.error == EAFNOSUPPORT) return false;
  // A list that changed during the dump may lack a rule.
  if (outcome.error == 0 && outcome.interrupted) outcome.error = EAGAIN;
  if (outcome.error != 0) throw_failure(outcome, "show IPv4 rules");
  return found;
}

std::optional<wire::MacAddress> Netlink::neighbour(int link_index, const wire::Ipv4Address& address) {
  std::optional<wire::MacAddress> found;
  const auto outcome = socket_->exchange(neighbour_request(RTM_GETNEIGH, link_index, address),
                                         [&](const nlmsghdr& message) { found = parse_neighbour(message); });
  if (outcome.error == ENOENT || outcome.error == ENODEV) return std::nullopt;
  if (outcome.error != 0)
    throw_failure(outcome, "show neighbour " + to_string(address) + " dev " + dev(link_index));
  return found;
}

void Netlink::verify_neighbour(int link_index, const wire::Ipv4Address& address) {
  bool stale = false;
  const auto found =
      socket_->exchange(neighbour_request(RTM_GETNEIGH, link_index, address),
                        [&](const nlmsghdr& message) { stale = is_stale_neighbour_of_kernel(message); });
  if (found.error != 0 || !stale) return;
  // Without NLM_F_CREATE and NLM_F_REPLACE, so that an entry which has disappeared is not created again.
  const auto outcome = socket_->exchange(neighbour_request(RTM_NEWNEIGH, link_index, address));
  const bool gone = outcome.error == ENOENT || outcome.error == ENODEV || outcome.error == ENETDOWN;
  if (outcome.error == 0 || gone) return;
  throw_failure(outcome, "verify neighbour " + to_string(address) + " dev " + dev(link_index));
}

}  // namespace sixin4::netlink
