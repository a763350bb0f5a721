// Flows and rules for the tests of the flow table.
#pragma once

#include <chrono>
#include <cstdint>

#include <gtest/gtest.h>

#include "sixin4/engine/flow_table.hpp"
#include "sixin4/engine/source_rules.hpp"
#include "sixin4/wire/address.hpp"

namespace sixin4::engine::test_flows {

using namespace std::chrono_literals;

inline constexpr std::uint8_t tcp = 6;
inline constexpr std::uint8_t udp = 17;
inline constexpr std::uint8_t icmpv6 = 58;
inline constexpr std::uint64_t seed = 77;
inline constexpr Time start{1000s};

constexpr wire::Ipv6Address ours(std::uint64_t low) {
  return wire::Ipv6Address::of_words(0x20010db800010000, low);
}
constexpr wire::Ipv6Address theirs(std::uint64_t low) {
  return wire::Ipv6Address::of_words(0x20010db800020000, low);
}

inline FlowKey key(std::uint64_t local, std::uint16_t port, std::uint8_t protocol = udp) {
  return {
      .local = ours(local), .remote = theirs(1), .local_port = port, .remote_port = 53, .protocol = protocol};
}
inline FlowKey with_local(FlowKey flow, const wire::Ipv6Address& local) {
  flow.local = local;
  return flow;
}

/// A rule with a pool of the addresses from `first` to `last`.
inline SourceRules pool_rules(std::uint64_t first, std::uint64_t last, PoolMode mode = PoolMode::first) {
  SourceRule rule;
  rule.target = {.action = SourceAction::use, .pool = 0};
  rule.mode = mode;
  return {{rule}, {AddressPool{{{ours(first), ours(last)}}}}, {}};
}
inline SourceRules action_rules(SourceAction action) {
  SourceRule rule;
  rule.target = {.action = action};
  return {{rule}, {}, {}};
}

inline constexpr FlowSignals answer{.answer = true};

/// Begins a flow with packets in both directions.
inline void establish(FlowTable& table, const FlowKey& flow, const SourceRules& rules, Time now) {
  const auto begun = table.begin_inside(flow, rules, now);
  ASSERT_TRUE(begun.flow);
  table.note(begun.flow, Direction::in, answer);
}

}  // namespace sixin4::engine::test_flows
