// Which rule matches, and which address of a pool it selects.
#include "sixin4/engine/source_rules.hpp"

#include <array>
#include <map>
#include <set>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "packets.hpp"

namespace sixin4::engine {
namespace {

using namespace std::chrono_literals;

constexpr std::uint64_t prefix_word = 0x20010db800010000;
constexpr wire::Ipv6Address ours(std::uint64_t low) {
  return wire::Ipv6Address::of_words(prefix_word, low);
}
constexpr wire::Ipv6Address far_host(std::uint64_t low) {
  return wire::Ipv6Address::of_words(0x20010db800020000, low);
}
constexpr wire::Ipv6Prefix only(const wire::Ipv6Address& address) {
  return {address, 128};
}

FlowKey flow(std::uint64_t local = 1, std::uint64_t remote = 1, std::uint16_t port = 25,
             std::uint8_t protocol = 6) {
  return {.local = ours(local),
          .remote = far_host(remote),
          .local_port = 40000,
          .remote_port = port,
          .protocol = protocol};
}

AddressPool pool_of(std::vector<std::pair<std::uint64_t, std::uint64_t>> ranges) {
  std::vector<wire::Ipv6Range> made;
  for (const auto& [first, last] : ranges) made.push_back({ours(first), ours(last)});
  return AddressPool{made};
}

SourceRule use(PoolMode mode, std::chrono::seconds period = 1s) {
  SourceRule rule;
  rule.target = {.action = SourceAction::use, .pool = 0};
  rule.mode = mode;
  rule.period = period;
  return rule;
}
SourceRule with_action(SourceAction action) {
  SourceRule rule;
  rule.target = {.action = action};
  return rule;
}

TEST(AddressPool, NumbersItsAddressesThroughAllRanges) {
  const AddressPool pool = pool_of({{5, 5}, {0x10, 0x12}, {2, 3}});
  ASSERT_EQ(pool.size(), 6U);
  const std::vector<std::uint64_t> expected{5, 0x10, 0x11, 0x12, 2, 3};
  for (std::uint64_t index = 0; index < pool.size(); ++index)
    EXPECT_EQ(pool.at(index), ours(expected[index]));
}

TEST(AddressPool, CountsAsFarAsAWordGoes) {
  const AddressPool pool{{wire::range_of({ours(0), 64}), {ours(1), ours(1)}}};
  EXPECT_EQ(pool.size(), ~std::uint64_t{0});
  EXPECT_EQ(pool.at(0), ours(0));
  EXPECT_EQ(pool.at(pool.size() - 1), ours(~std::uint64_t{1}));
  const AddressPool large{{wire::range_of({ours(0), 48})}};
  EXPECT_EQ(large.size(), ~std::uint64_t{0});
  EXPECT_EQ(large.at(7), ours(7));
}

TEST(AddressPool, ARangeMayGoOverTheEndOfAWord) {
  const AddressPool pool{{{ours(~std::uint64_t{0}), wire::Ipv6Address::of_words(prefix_word + 1, 0)}}};
  ASSERT_EQ(pool.size(), 2U);
  EXPECT_EQ(pool.at(1), wire::Ipv6Address::of_words(prefix_word + 1, 0));
}

TEST(SourceRules, WithoutAMatchTheSourceIsKept) {
  SourceRule rule = with_action(SourceAction::reject);
  rule.protocol = 17;
  const SourceDecision decision = SourceRules{{rule}, {}, {}}.decide(flow(), {}, 0);
  EXPECT_EQ(decision.action, SourceAction::keep);
  EXPECT_EQ(decision.rule, 0U);
}

TEST(SourceRules, TheFirstMatchDecides) {
  SourceRule other = with_action(SourceAction::reject);
  other.to = only(far_host(2));
  const SourceRules rules{
      {other, with_action(SourceAction::keep), with_action(SourceAction::reject)}, {}, {}};
  EXPECT_EQ(rules.decide(flow(1, 2), {}, 0).rule, 1U);
  EXPECT_EQ(rules.decide(flow(1, 2), {}, 0).action, SourceAction::reject);
  EXPECT_EQ(rules.decide(flow(1, 3), {}, 0).rule, 2U);
  EXPECT_EQ(rules.decide(flow(1, 3), {}, 0).action, SourceAction::keep);
}

TEST(SourceRules, EveryConditionCounts) {
  SourceRule rule = with_action(SourceAction::reject);
  rule.from = only(ours(1));
  rule.to = only(far_host(1));
  rule.protocol = 6;
  rule.ports = {{25, 25}, {465, 587}};
  const SourceRules rules{{rule}, {}, {}};
  const auto matches = [&](const FlowKey& key) { return rules.decide(key, {}, 0).rule == 1; };
  EXPECT_TRUE(matches(flow()));
  EXPECT_TRUE(matches(flow(1, 1, 465)));
  EXPECT_TRUE(matches(flow(1, 1, 587)));
  EXPECT_FALSE(matches(flow(2)));
  EXPECT_FALSE(matches(flow(1, 2)));
  EXPECT_FALSE(matches(flow(1, 1, 464)));
  EXPECT_FALSE(matches(flow(1, 1, 588)));
  EXPECT_FALSE(matches(flow(1, 1, 25, 17)));
}

TEST(SourceRules, PortsAreThoseOfProtocolsThatHaveThem) {
  SourceRule rule = with_action(SourceAction::reject);
  rule.ports = {{0, 65535}};
  const SourceRules rules{{rule}, {}, {}};
  for (const std::uint8_t protocol : std::to_array<std::uint8_t>({6, 17, 33, 132, 136})) {
    EXPECT_EQ(rules.decide(flow(1, 1, 25, protocol), {}, 0).rule, 1U) << int{protocol};
  }
  for (const std::uint8_t protocol : std::to_array<std::uint8_t>({58, 50, 41})) {
    EXPECT_EQ(rules.decide(flow(1, 1, 0, protocol), {}, 0).rule, 0U) << int{protocol};
  }
}

TEST(SourceRules, ATableMatchesItsPrefixesOnlyAndTheMostSpecificLineDecides) {
  const SourceTable table{{{{far_host(0), 64}, std::nullopt},
                           {only(far_host(2)), SourceTarget{.action = SourceAction::reject}},
                           {only(far_host(3)), SourceTarget{.action = SourceAction::keep}},
                           {only(far_host(4)), SourceTarget{.action = SourceAction::use, .pool = 1}}}};
  SourceRule rule = use(PoolMode::first);
  rule.table = 0;
  const SourceRules rules{
      {rule, with_action(SourceAction::reject)}, {pool_of({{7, 7}}), pool_of({{9, 9}})}, {table}};
  const SourceDecision own = rules.decide(flow(1, 1), {}, 0);
  EXPECT_EQ(own.action, SourceAction::use);
  EXPECT_EQ(own.pool->at(own.preferred), ours(7));
  EXPECT_EQ(rules.decide(flow(1, 2), {}, 0).action, SourceAction::reject);
  EXPECT_EQ(rules.decide(flow(1, 2), {}, 0).rule, 1U);
  EXPECT_EQ(rules.decide(flow(1, 3), {}, 0).action, SourceAction::keep);
  const SourceDecision line = rules.decide(flow(1, 4), {}, 0);
  EXPECT_EQ(line.pool->at(line.preferred), ours(9));
  FlowKey elsewhere = flow();
  elsewhere.remote = ours(1);
  EXPECT_EQ(rules.decide(elsewhere, {}, 0).rule, 2U) << "what is not in the table goes on to the next rule";
}

TEST(PoolModes, FirstIsTheFirst) {
  const SourceRules rules{{use(PoolMode::first)}, {pool_of({{7, 9}})}, {}};
  for (std::uint64_t host = 0; host < 10; ++host) {
    EXPECT_EQ(rules.decide(flow(1, host), {}, host * 77).preferred, 0U);
  }
}

TEST(PoolModes, RandomFollowsChance) {
  const SourceRules rules{{use(PoolMode::random)}, {pool_of({{7, 9}})}, {}};
  std::set<std::uint64_t> seen;
  for (std::uint64_t chance = 0; chance < 3; ++chance)
    seen.insert(rules.decide(flow(), {}, chance).preferred);
  EXPECT_EQ(seen, (std::set<std::uint64_t>{0, 1, 2}));
}

TEST(PoolModes, HashIsTheSameForAPairOfHostsAndSpreadsOverThePool) {
  const SourceRules rules{{use(PoolMode::hash)}, {pool_of({{0, 3}})}, {}};
  const SourceRules again{{use(PoolMode::hash)}, {pool_of({{0, 3}})}, {}};
  std::map<std::uint64_t, int> seen;
  for (std::uint64_t host = 0; host < 400; ++host) {
    const std::uint64_t chosen = rules.decide(flow(1, host, 25), {}, host).preferred;
    EXPECT_EQ(rules.decide(flow(1, host, 587, 17), Time{55s}, host + 1).preferred, chosen);
    EXPECT_EQ(again.decide(flow(1, host), {}, 0).preferred, chosen);
    ++seen[chosen];
  }
  ASSERT_EQ(seen.size(), 4U);
  for (const auto& [index, count] : seen) EXPECT_NEAR(count, 100, 40) << index;
}

TEST(PoolModes, EveryGoesRoundThePoolWithTime) {
  const SourceRules rules{{use(PoolMode::every, 10s)}, {pool_of({{7, 9}})}, {}};
  const auto at = [&](std::chrono::seconds time) { return rules.decide(flow(), Time{time}, 0).preferred; };
  EXPECT_EQ(at(0s), 0U);
  EXPECT_EQ(at(9s), 0U);
  EXPECT_EQ(at(10s), 1U);
  EXPECT_EQ(at(29s), 2U);
  EXPECT_EQ(at(30s), 0U);
}

}  // namespace
}  // namespace sixin4::engine
