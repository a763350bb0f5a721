// The answers of a tunnel to its clients: status, explanations, flows.
#include <cerrno>
#include <chrono>
#include <string>
#include <system_error>
#include <utility>

#include "sixin4/base/system_failure.hpp"
#include "sixin4/wire/address_text.hpp"

#include "explain.hpp"
#include "flow_page.hpp"
#include "tunnel.hpp"

namespace sixin4::tunnel {

namespace {

double seconds(std::chrono::steady_clock::duration duration) {
  return std::chrono::duration<double>(duration).count();
}

control::DirectionStatus status_of(const engine::DirectionTotals& totals) {
  control::DirectionStatus status{
      .packets = totals.packets, .bytes = totals.bytes, .icmp_errors = totals.icmp_errors, .drops = {}};
  totals.for_each_drop([&status](engine::Verdict verdict, std::uint64_t count) {
    status.drops.emplace(engine::name_of(verdict), count);
  });
  return status;
}

}  // namespace

std::pair<control::EndpointState, std::string> Tunnel::state() {
  using control::EndpointState;
  const std::string& interface = configuration().interface;
  try {
    const auto link = own_link();
    if (!link) return {EndpointState::moved, moved_text()};
    if (!link->up) return {EndpointState::down, "interface " + interface + " is down"};
  } catch (const std::system_error& error) {
    return {EndpointState::down, "cannot query interface " + interface + ": " + error.what()};
  }
  if (!has_path()) return {EndpointState::no_path, in_force_.underlay.no_path};
  if (in_force_.underlay.loops) return {EndpointState::no_path, loop_text(configuration(), in_force_.remote)};
  return {EndpointState::up, {}};
}

control::Status Tunnel::status() {
  auto [endpoint_state, reason] = state();
  control::Status status{
      .interface = configuration().interface,
      .local = to_string(ends().local),
      .remote = to_string(ends().remote),
      .state = endpoint_state,
      .reason = std::move(reason),
      .mtu = mtu_,
      .path_mtu = in_force_.path.value(),
      .wire = sender_name(),
      .wire_reason = in_force_.sender.reason,
      .offload = features(),
      .uptime_s = seconds(Clock::now() - started_),
      .out = status_of(workers_.out()),
      .in = status_of(workers_.in()),
      .flows = in_force_.flows ? in_force_.flows->table.size() : 0,
  };
  if (const auto heard = workers_.last_heard(); heard != engine::Time{}) {
    status.last_heard_s = seconds(Clock::now() - heard);
  }
  if (!keepalive_) return status;
  if (const auto round_trip = keepalive_->record().round_trip()) status.rtt_ms = seconds(*round_trip) * 1000;
  status.loss = keepalive_->record().loss();
  return status;
}

control::Explanation Tunnel::explain(const control::ExplainQuery& query) {
  if (!own_link()) throw base::system_failure(moved_text(), ENODEV);
  return sixin4::tunnel::explain(query, in_force_, link_index_, netlink_, Clock::now());
}

control::FlowPage Tunnel::flows(std::uint32_t first) const {
  return in_force_.flows ? flow_page(in_force_.flows->table, first, Clock::now()) : control::FlowPage{};
}

}  // namespace sixin4::tunnel
