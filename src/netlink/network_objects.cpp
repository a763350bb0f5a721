// The canonical form of addresses, routes and rules, and their text in the syntax of ip(8).
#include "sixin4/netlink/network_objects.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>

#include "sixin4/wire/address.hpp"
#include "sixin4/wire/address_text.hpp"

namespace sixin4::netlink {
namespace {

wire::Ipv6Prefix without_host_bits(wire::Ipv6Prefix prefix) noexcept {
  std::size_t remaining = prefix.length;
  for (auto& octet : prefix.address.octets) {
    const std::size_t kept = std::min<std::size_t>(remaining, 8);
    octet = static_cast<std::uint8_t>(octet & (0xff00U >> kept));
    remaining -= kept;
  }
  return prefix;
}

std::string table_name(std::uint32_t table) {
  return table == main_table ? "main" : std::to_string(table);
}

}  // namespace

InterfaceAddress canonical(InterfaceAddress address) noexcept {
  if (address.peer == address.address) address.peer.reset();
  return address;
}

Ipv6Route canonical(Ipv6Route route) noexcept {
  route.prefix = without_host_bits(route.prefix);
  if (route.metric.value_or(0) == 0) route.metric = default_route_metric;
  return route;
}

Rule canonical(Rule rule) noexcept {
  rule.from = without_host_bits(rule.from);
  if (rule.to) rule.to = without_host_bits(*rule.to);
  if (rule.to && rule.to->length == 0) rule.to.reset();
  return rule;
}

std::string to_string(const InterfaceAddress& address) {
  if (!address.peer) return to_string(wire::Ipv6Prefix{address.address, address.length});
  return to_string(address.address) + " peer " + to_string(wire::Ipv6Prefix{*address.peer, address.length});
}

std::string to_string(const Ipv6Route& route, const std::string& dev) {
  std::string text = to_string(route.prefix);
  if (!dev.empty()) text += " dev " + dev;
  if (route.table != main_table) text += " table " + table_name(route.table);
  if (route.metric) text += " metric " + std::to_string(*route.metric);
  return text;
}

std::string to_string(const Rule& rule) {
  std::string text = "from " + (rule.from.length == 0 ? "all" : to_string(rule.from));
  if (rule.to) text += " to " + to_string(*rule.to);
  return text + " table " + table_name(rule.table) + " priority " + std::to_string(rule.priority);
}

std::string to_string(const AddressLabel& label) {
  return "prefix " + to_string(label.prefix) + " label " + std::to_string(label.label);
}

std::string to_string(const LinkSettings& settings) {
  std::string text;
  const auto add = [&text](const std::string& word) { text += (text.empty() ? "" : " ") + word; };
  if (settings.mtu) add("mtu " + std::to_string(*settings.mtu));
  if (settings.txqueuelen) add("txqueuelen " + std::to_string(*settings.txqueuelen));
  if (settings.addrgenmode_none) add("addrgenmode none");
  if (settings.up) add(*settings.up ? "up" : "down");
  return text;
}

}  // namespace sixin4::netlink
