// The reconciler: compares the state with the objects that the kernel lists, and adds or removes the
// difference.
#include "sixin4/netlink/host_network.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <iterator>
#include <set>
#include <system_error>
#include <utility>
#include <vector>

#include "sixin4/netlink/netlink.hpp"

namespace sixin4::netlink {
namespace {

HostState canonical(HostState state) {
  for (auto& address : state.addresses) address = canonical(address);
  for (auto& route : state.routes) route = canonical(route);
  for (auto& rule : state.rules) rule = canonical(rule);
  return state;
}

/// The elements that `present` lacks, in their order, because the order of addresses influences the kernel's
/// choice of a source.
template <typename T>
std::vector<T> missing_from(std::vector<T> present, const std::vector<T>& elements) {
  std::ranges::sort(present);
  std::vector<T> missing;
  std::ranges::copy_if(elements, std::back_inserter(missing),
                       [&](const T& element) { return !std::ranges::binary_search(present, element); });
  return missing;
}

}  // namespace

std::size_t HostNetwork::apply(HostState state) {
  state = canonical(std::move(state));
  for (const auto& rule : missing_from(state.rules, state_.rules)) netlink_.remove_rule(rule);
  if (link_index_ != 0) remove_from_link(state);
  // After the removals, so that the state still has an object whose removal failed; before the additions, so
  // that it has the objects of a partial addition.
  state_ = std::move(state);
  return restore();
}

/// Removes the objects of the link that `next` lacks. Not without a link: the kernel has removed them with
/// it, and a removal without a link would match the same route of another link.
void HostNetwork::remove_from_link(const HostState& next) {
  for (const auto& route : missing_from(next.routes, state_.routes))
    netlink_.remove_route(link_index_, route);
  for (const auto& address : missing_from(next.addresses, state_.addresses)) {
    const auto is_same = [&address](const InterfaceAddress& other) { return other.is_same_as(address); };
    // An address that only changes its lifetime is not removed, because connections use it.
    if (std::ranges::none_of(next.addresses, is_same)) netlink_.remove_address(link_index_, address);
  }
  for (const auto& label : missing_from(next.labels, state_.labels))
    netlink_.remove_label(link_index_, label);
}

std::size_t HostNetwork::restore() {
  if (!link_is_up()) return 0;  // the kernel refuses routes of a link that is down
  try {
    // Addresses before routes, because the kernel picks the source of a route among them. Routes before
    // rules, because a rule must not point to an empty table.
    const std::size_t labels = add_missing_labels();
    const std::size_t addresses = add_missing_addresses();
    const std::size_t routes = add_missing_routes();
    return labels + addresses + routes + add_missing_rules();
  } catch (const std::system_error&) {
    // The link may have gone down since the check. A monitor event follows when it comes up again.
    if (link_is_up()) throw;
    return 0;
  }
}

bool HostNetwork::withdraw() noexcept {
  bool all_gone = true;
  const auto attempt = [&](const auto& removal) {
    try {
      removal();
    } catch (const std::exception&) {
      all_gone = false;
    }
  };
  const HostState previous = std::exchange(state_, HostState{});
  for (const auto& rule : previous.rules) attempt([&] { netlink_.remove_rule(rule); });
  if (link_index_ == 0) return all_gone;
  for (const auto& route : previous.routes) attempt([&] { netlink_.remove_route(link_index_, route); });
  for (const auto& address : previous.addresses) {
    attempt([&] { netlink_.remove_address(link_index_, address); });
  }
  for (const auto& label : previous.labels) attempt([&] { netlink_.remove_label(link_index_, label); });
  return all_gone;
}

bool HostNetwork::link_is_up() {
  const auto link = netlink_.link(link_index_);
  return link && link->up;
}

std::size_t HostNetwork::add_missing_labels() {
  if (state_.labels.empty()) return 0;
  const auto missing = missing_from(netlink_.labels(link_index_), state_.labels);
  for (const auto& label : missing) netlink_.add_label(link_index_, label);
  return missing.size();
}

std::size_t HostNetwork::add_missing_addresses() {
  const auto present = netlink_.addresses(link_index_);
  const auto missing = missing_from(present, state_.addresses);
  for (const auto& address : missing) {
    const auto is_same = [&address](const InterfaceAddress& other) { return other.is_same_as(address); };
    if (std::ranges::any_of(present, is_same)) {
      netlink_.change_address(link_index_, address);
      continue;
    }
    // A link has an address only once, so the same address with another length or peer must be removed first.
    for (const auto& other : present) {
      if (other.address == address.address) netlink_.remove_address(link_index_, other);
    }
    netlink_.add_address(link_index_, address);
  }
  return missing.size();
}

std::size_t HostNetwork::add_missing_routes() {
  std::set<std::uint32_t> tables;
  for (const auto& route : state_.routes) tables.insert(route.table);
  std::vector<Ipv6Route> present;
  for (const std::uint32_t table : tables) {
    const auto routes = netlink_.routes(link_index_, table);
    present.insert(present.end(), routes.begin(), routes.end());
  }
  const auto missing = missing_from(std::move(present), state_.routes);
  for (const auto& route : missing) netlink_.add_route(link_index_, route);
  return missing.size();
}

std::size_t HostNetwork::add_missing_rules() {
  const auto missing = missing_from(netlink_.rules(), state_.rules);
  for (const auto& rule : missing) netlink_.add_rule(rule);
  return missing.size();
}

}  // namespace sixin4::netlink
