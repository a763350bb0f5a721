// The flow table: what it finds, what it refuses, and what it forgets when.
#include "sixin4/engine/flow_table.hpp"

#include <set>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

namespace sixin4::engine {
namespace {

using namespace std::chrono_literals;
using Refusal = FlowTable::Refusal;

constexpr std::uint8_t tcp = 6;
constexpr std::uint8_t udp = 17;
constexpr std::uint8_t icmpv6 = 58;
constexpr std::uint64_t seed = 77;
constexpr Time start{1000s};

constexpr wire::Ipv6Address ours(std::uint64_t low) {
  return wire::Ipv6Address::of_words(0x20010db800010000, low);
}
constexpr wire::Ipv6Address theirs(std::uint64_t low) {
  return wire::Ipv6Address::of_words(0x20010db800020000, low);
}

FlowKey key(std::uint64_t local, std::uint16_t port, std::uint8_t protocol = udp) {
  return {
      .local = ours(local), .remote = theirs(1), .local_port = port, .remote_port = 53, .protocol = protocol};
}
FlowKey with_local(FlowKey flow, const wire::Ipv6Address& local) {
  flow.local = local;
  return flow;
}

/// All flows leave with an address from `first` to `last`.
SourceRules pool_rules(std::uint64_t first, std::uint64_t last, PoolMode mode = PoolMode::first) {
  SourceRule rule;
  rule.target = {.action = SourceAction::use, .pool = 0};
  rule.mode = mode;
  return {{rule}, {AddressPool{{{ours(first), ours(last)}}}}, {}};
}
SourceRules action_rules(SourceAction action) {
  SourceRule rule;
  rule.target = {.action = action};
  return {{rule}, {}, {}};
}

constexpr FlowSignals answer{.answer = true};

/// A flow that packets have gone through both ways.
void establish(FlowTable& table, const FlowKey& flow, const SourceRules& rules, Time now) {
  const auto begun = table.begin_inside(flow, rules, now);
  ASSERT_TRUE(begun.flow);
  table.note(begun.flow, false, answer);
}

TEST(FlowTable, AFlowIsFoundFromBothSidesUntilItEnds) {
  FlowTable table{16, seed};
  const SourceRules rules = pool_rules(5, 5);
  EXPECT_FALSE(table.find_inside(key(1, 1), start));
  const auto begun = table.begin_inside(key(1, 1), rules, start);
  ASSERT_EQ(begun.refusal, Refusal::none);
  EXPECT_TRUE(begun.flow.rewritten);
  EXPECT_EQ(begun.flow.other, ours(5));
  const auto inside = table.find_inside(key(1, 1), start);
  const auto outside = table.find_outside(with_local(key(1, 1), ours(5)), start);
  ASSERT_TRUE(inside && outside);
  EXPECT_EQ(inside.slot, outside.slot);
  EXPECT_EQ(outside.other, ours(1));
  EXPECT_FALSE(table.find_outside(key(1, 1), start)) << "its inside key is not its outside key";
  EXPECT_FALSE(table.find_inside(key(1, 2), start)) << "another port";
  EXPECT_FALSE(table.find_inside(key(1, 1, tcp), start)) << "another protocol";
  EXPECT_EQ(table.size(), 1U);
  table.end(inside);
  EXPECT_EQ(table.size(), 0U);
  EXPECT_FALSE(table.find_inside(key(1, 1), start));
  EXPECT_FALSE(table.find_outside(with_local(key(1, 1), ours(5)), start));
}

TEST(FlowTable, BeginningTwiceIsFindingTheSame) {
  FlowTable table{16, seed};
  const auto first = table.begin_inside(key(1, 1), pool_rules(5, 5), start);
  const auto second = table.begin_inside(key(1, 1), pool_rules(6, 6), start);
  EXPECT_EQ(second.flow.other, first.flow.other);
  EXPECT_EQ(table.size(), 1U);
}

TEST(FlowTable, AKeptFlowHasOneAddress) {
  FlowTable table{16, seed};
  const auto begun = table.begin_inside(key(1, 1), action_rules(SourceAction::keep), start);
  EXPECT_FALSE(begun.flow.rewritten);
  EXPECT_TRUE(table.find_outside(key(1, 1), start));
}

TEST(FlowTable, ARejectedFlowTakesNoRoom) {
  FlowTable table{16, seed};
  EXPECT_EQ(table.begin_inside(key(1, 1), action_rules(SourceAction::reject), start).refusal,
            Refusal::rejected);
  EXPECT_EQ(table.size(), 0U);
}

TEST(FlowTable, FlowsThatWouldBeTheSameOutsideGetDifferentAddresses) {
  FlowTable table{16, seed};
  const SourceRules rules = pool_rules(5, 7);
  std::set<wire::Ipv6Address> outside;
  for (std::uint64_t host = 1; host <= 3; ++host) {
    outside.insert(table.begin_inside(key(host, 1), rules, start).flow.other);
  }
  EXPECT_EQ(outside, (std::set{ours(5), ours(6), ours(7)}));
  EXPECT_EQ(table.begin_inside(key(4, 1), rules, start).refusal, Refusal::pool_exhausted);
  EXPECT_EQ(table.size(), 3U);
  EXPECT_EQ(table.begin_inside(key(4, 2), rules, start).flow.other, ours(5))
      << "another port is another flow";
}

TEST(FlowTable, ThePoolIsTriedFromThePreferredAddressRoundToIt) {
  FlowTable table{64, seed};
  const SourceRules rules = pool_rules(5, 9, PoolMode::random);
  std::set<wire::Ipv6Address> outside;
  for (std::uint64_t host = 1; host <= 5; ++host) {
    outside.insert(table.begin_inside(key(host, 1), rules, start).flow.other);
  }
  EXPECT_EQ(outside.size(), 5U);
}

TEST(FlowTable, AKeptFlowIsRefusedWhereAnotherOneHasItsAddress) {
  FlowTable table{16, seed};
  (void)table.begin_inside(key(1, 1), pool_rules(5, 5), start);
  EXPECT_EQ(table.begin_inside(key(5, 1), action_rules(SourceAction::keep), start).refusal,
            Refusal::pool_exhausted);
}

TEST(FlowTable, AFlowFromOutsideKeepsItsAddress) {
  FlowTable table{16, seed};
  table.begin_outside(key(1, 1), start);
  const auto found = table.find_inside(key(1, 1), start);
  ASSERT_TRUE(found);
  EXPECT_FALSE(found.begun_inside);
  EXPECT_FALSE(found.rewritten);
  EXPECT_EQ(table.begin_inside(key(1, 1), pool_rules(5, 5), start).flow.other, ours(1));
}

TEST(FlowTable, AFlowFromOutsideTakesThePlaceOfNoneFromInsideThatIsAnsweredOrOneOfFew) {
  FlowTable table{3, seed};
  const SourceRules rules = pool_rules(5, 5);
  (void)table.begin_inside(key(1, 1), rules, start);
  establish(table, key(1, 2), rules, start);
  establish(table, key(1, 3, tcp), rules, start);
  table.begin_outside(key(1, 4), start + 60s);
  EXPECT_FALSE(table.find_inside(key(1, 4), start + 60s));
  EXPECT_EQ(table.size(), 3U);
}

// Programs here have to be able to answer, whatever else comes.
TEST(FlowTable, AFlowFromOutsideTakesThePlaceOfTheOldestOneThatIsNotAnswered) {
  FlowTable table{2, seed};
  table.begin_outside(key(1, 1), start);
  table.begin_outside(key(1, 2), start);
  table.begin_outside(key(1, 3), start);
  EXPECT_FALSE(table.look_inside(key(1, 1)));
  EXPECT_TRUE(table.look_inside(key(1, 2)));
  EXPECT_TRUE(table.look_inside(key(1, 3)));
  EXPECT_EQ(table.begin_inside(key(1, 4), pool_rules(5, 5), start).refusal, Refusal::none);
  EXPECT_FALSE(table.look_inside(key(1, 2)));
}

/// How many of a table's unanswered flows were begun inside, and how many outside.
struct Unanswered {
  std::size_t inside = 0;
  std::size_t outside = 0;
};
Unanswered unanswered_of(const FlowTable& table) {
  Unanswered count;
  for (const auto& flow : table.list(0, table.bound(), start)) {
    if (flow.state == FlowState::opening) ++(flow.begun_inside ? count.inside : count.outside);
  }
  return count;
}

TEST(FlowTable, AFloodFromOutsideCostsProgramsHereAnEighthOfTheRoom) {
  FlowTable table{90, seed};
  const SourceRules rules = pool_rules(5, 5);
  for (std::uint16_t port = 1; port <= 10; ++port) establish(table, key(1, port), rules, start);
  for (std::uint16_t port = 1; port <= 80; ++port) (void)table.begin_inside(key(2, port), rules, start);
  for (std::uint16_t port = 1; port <= 1000; ++port) table.begin_outside(key(3, port), start);
  EXPECT_EQ(unanswered_of(table).inside, 70U);
  EXPECT_EQ(unanswered_of(table).outside, 10U);
  EXPECT_FALSE(table.look_inside(key(2, 10))) << "the oldest went";
  EXPECT_TRUE(table.look_inside(key(2, 11)));
  EXPECT_TRUE(table.look_inside(key(3, 1000)));
  for (std::uint16_t port = 1; port <= 10; ++port) EXPECT_TRUE(table.look_inside(key(1, port))) << port;
}

TEST(FlowTable, AFloodFromOutsideGivesWayToProgramsHere) {
  FlowTable table{80, seed};
  const SourceRules rules = pool_rules(5, 5);
  for (std::uint16_t port = 1; port <= 1000; ++port) table.begin_outside(key(3, port), start);
  for (std::uint16_t port = 1; port <= 70; ++port) {
    EXPECT_EQ(table.begin_inside(key(2, port), rules, start).refusal, Refusal::none);
    table.begin_outside(key(4, port), start);
  }
  for (std::uint16_t port = 1; port <= 70; ++port) EXPECT_TRUE(table.look_inside(key(2, port))) << port;
}

TEST(FlowTable, AFloodFromInsideLeavesWhatComesFromOutsideAnEighthOfTheRoom) {
  FlowTable table{80, seed};
  const SourceRules rules = pool_rules(5, 5);
  for (std::uint16_t port = 1; port <= 1000; ++port) {
    (void)table.begin_inside(key(2, port), rules, start);
    if (port % 50 == 0) table.begin_outside(key(3, port), start);
  }
  EXPECT_EQ(unanswered_of(table).outside, 10U);
  EXPECT_TRUE(table.look_inside(key(3, 550)));
  EXPECT_TRUE(table.look_inside(key(3, 1000)));
}

TEST(FlowTable, AnAnsweredFlowFromOutsideStays) {
  FlowTable table{1, seed};
  const SourceRules rules = pool_rules(5, 5);
  table.begin_outside(key(1, 1), start);
  table.note(table.look_inside(key(1, 1)), true, answer);
  EXPECT_EQ(table.begin_inside(key(1, 3), rules, start + 3s).refusal, Refusal::table_full);
  table.begin_outside(key(1, 4), start + 100s);
  EXPECT_TRUE(table.look_inside(key(1, 1)));
}

// One who knows a pool's address could keep everybody else from using it.
TEST(FlowTable, AnUnansweredDatagramFromOutsideStandsInNobodysWay) {
  FlowTable table{16, seed};
  table.begin_outside(with_local(key(1, 1), ours(5)), start);
  EXPECT_EQ(table.begin_inside(key(1, 1), pool_rules(5, 5), start).flow.other, ours(5));
  EXPECT_EQ(table.size(), 1U);
  table.begin_outside(with_local(key(2, 2), ours(5)), start);
  table.note(table.look_outside(with_local(key(2, 2), ours(5))), true, answer);
  EXPECT_EQ(table.begin_inside(key(2, 2), pool_rules(5, 5), start).refusal, Refusal::pool_exhausted)
      << "an answered one does";
}

TEST(FlowTable, WhatAnErrorQuotesKeepsNoFlowAlive) {
  FlowTable table{16, seed};
  (void)table.begin_inside(key(1, 1), pool_rules(5, 5), start);
  EXPECT_TRUE(table.look_inside(key(1, 1)));
  EXPECT_TRUE(table.look_outside(with_local(key(1, 1), ours(5))));
  EXPECT_EQ(table.list(0, 16, start + 100s).at(0).idle, 100s);
}

TEST(FlowTable, AnUnansweredFlowMakesRoomAtOnceAndTheOldestFirst) {
  for (const std::uint8_t protocol : {tcp, udp, icmpv6, std::uint8_t{50}}) {
    FlowTable table{3, seed};
    const SourceRules rules = pool_rules(5, 5);
    for (std::uint16_t port = 1; port <= 10; ++port) {
      EXPECT_EQ(table.begin_inside(key(1, port, protocol), rules, start).refusal, Refusal::none);
    }
    EXPECT_EQ(table.size(), 3U);
    for (std::uint16_t port = 1; port <= 10; ++port) {
      EXPECT_EQ(bool{table.look_inside(key(1, port, protocol))}, port > 7) << int{protocol} << ' ' << port;
    }
  }
}

TEST(FlowTable, AnUnansweredFlowThatIsHeardOfIsNotTheOldest) {
  FlowTable table{3, seed};
  const SourceRules rules = pool_rules(5, 5);
  for (std::uint16_t port = 1; port <= 3; ++port) (void)table.begin_inside(key(1, port), rules, start);
  EXPECT_TRUE(table.find_inside(key(1, 1), start + 1s));
  (void)table.begin_inside(key(1, 4), rules, start + 1s);
  EXPECT_TRUE(table.look_inside(key(1, 1)));
  EXPECT_FALSE(table.look_inside(key(1, 2)));
  EXPECT_TRUE(table.find_inside(key(1, 1), start + 2s));
  EXPECT_TRUE(table.find_inside(key(1, 3), start + 2s));
  EXPECT_TRUE(table.find_inside(key(1, 4), start + 2s));
  EXPECT_EQ(table.begin_inside(key(1, 5), rules, start + 2s).refusal, Refusal::none) << "all are, one goes";
}

TEST(FlowTable, AFullTableOfAnsweredDatagramFlowsRefusesUntilOneIsIdle) {
  FlowTable table{3, seed};
  const SourceRules rules = pool_rules(5, 5);
  for (std::uint16_t port = 1; port <= 3; ++port) establish(table, key(1, port), rules, start + port * 1s);
  EXPECT_EQ(table.begin_inside(key(1, 4), rules, start + 5s).refusal, Refusal::table_full);
  EXPECT_TRUE(table.find_inside(key(1, 1), start + 5s)) << "is heard of again";
  EXPECT_EQ(table.begin_inside(key(1, 4), rules, start + 6s).refusal, Refusal::table_full);
  EXPECT_EQ(table.begin_inside(key(1, 4), rules, start + 7s).refusal, Refusal::none);
  EXPECT_FALSE(table.find_inside(key(1, 2), start + 8s)) << "the oldest went";
  EXPECT_TRUE(table.find_inside(key(1, 1), start + 8s));
  EXPECT_TRUE(table.find_inside(key(1, 3), start + 8s));
}

TEST(FlowTable, EstablishedTcpConnectionsStayHoweverIdle) {
  FlowTable table{2, seed};
  const SourceRules rules = pool_rules(5, 5);
  for (std::uint16_t port = 1; port <= 2; ++port) establish(table, key(1, port, tcp), rules, start);
  EXPECT_EQ(table.begin_inside(key(1, 3, tcp), rules, start + 3600s).refusal, Refusal::table_full);
  EXPECT_EQ(table.begin_inside(key(1, 3), rules, start + 3600s).refusal, Refusal::table_full);
  table.begin_outside(key(1, 4), start + 3600s);
  EXPECT_EQ(table.size(), 2U);
  EXPECT_TRUE(table.look_inside(key(1, 1, tcp)));
  EXPECT_TRUE(table.look_inside(key(1, 2, tcp)));
}

TEST(FlowTable, AnsweredFlowsGoAfterThoseThatWereNot) {
  FlowTable table{2, seed};
  const SourceRules rules = pool_rules(5, 5);
  establish(table, key(1, 1), rules, start);
  (void)table.begin_inside(key(1, 2), rules, start + 2s);
  EXPECT_EQ(table.begin_inside(key(1, 3), rules, start + 20s).refusal, Refusal::none);
  EXPECT_TRUE(table.find_inside(key(1, 1), start + 20s));
  EXPECT_FALSE(table.find_inside(key(1, 2), start + 20s));
}

/// A TCP connection that a reset has ended.
void reset(FlowTable& table, const FlowKey& flow, const SourceRules& rules, Time now) {
  establish(table, flow, rules, now);
  table.note(table.look_inside(flow), false, {.answer = true, .rst = true});
}

TEST(FlowTable, AConnectionThatIsOverGoesFirstOnceItIsSilent) {
  FlowTable table{3, seed};
  const SourceRules rules = pool_rules(5, 5);
  (void)table.begin_inside(key(1, 1), rules, start);
  reset(table, key(1, 2, tcp), rules, start);
  establish(table, key(1, 3, tcp), rules, start);
  for (const bool outward : {true, false}) {
    table.note(table.look_inside(key(1, 3, tcp)), outward, {.answer = !outward, .fin = true});
  }
  EXPECT_EQ(table.begin_inside(key(1, 4), rules, start + 4s).refusal, Refusal::none);
  EXPECT_FALSE(table.look_inside(key(1, 1))) << "not yet";
  EXPECT_EQ(table.begin_inside(key(1, 5), rules, start + 5s).refusal, Refusal::none);
  EXPECT_FALSE(table.look_inside(key(1, 2, tcp))) << "was over first";
  table.begin_outside(key(1, 6), start + 5s);
  EXPECT_FALSE(table.look_inside(key(1, 3, tcp))) << "as well for what comes from outside";
  EXPECT_TRUE(table.look_inside(key(1, 4)) && table.look_inside(key(1, 5)) && table.look_inside(key(1, 6)));
}

TEST(FlowTable, AConnectionThatIsJustOverGoesOnlyWhereNothingUnansweredIs) {
  FlowTable table{2, seed};
  const SourceRules rules = pool_rules(5, 5);
  establish(table, key(1, 1), rules, start);
  reset(table, key(1, 2, tcp), rules, start + 20s);
  table.begin_outside(key(1, 3), start + 20s);
  EXPECT_FALSE(table.look_inside(key(1, 3))) << "nor for what comes from outside";
  EXPECT_EQ(table.begin_inside(key(1, 4), rules, start + 20s).refusal, Refusal::none);
  EXPECT_FALSE(table.look_inside(key(1, 2, tcp)));
  EXPECT_TRUE(table.look_inside(key(1, 1))) << "answered, and idle: after it";
}

TEST(FlowTable, AConnectionThatOutlivesAResetIsEstablishedAgain) {
  FlowTable table{1, seed};
  const SourceRules rules = pool_rules(5, 5);
  reset(table, key(1, 1, tcp), rules, start);
  table.note(table.look_inside(key(1, 1, tcp)), true, {});
  EXPECT_EQ(table.begin_inside(key(1, 2), rules, start + 60s).refusal, Refusal::table_full);
  table.note(table.look_inside(key(1, 1, tcp)), false, {.answer = true, .rst = true});
  table.note(table.look_inside(key(1, 1, tcp)), true, {.begins = true});
  EXPECT_EQ(table.begin_inside(key(1, 2), rules, start).refusal, Refusal::none) << "a new one is unanswered";
}

TEST(FlowTable, NothingMakesRoomForAFlowThatIsRefused) {
  FlowTable table{2, seed};
  const SourceRules rules = pool_rules(5, 5);
  (void)table.begin_inside(key(1, 1), rules, start);
  (void)table.begin_inside(key(1, 2), rules, start);
  EXPECT_EQ(table.begin_inside(key(2, 2), rules, start).refusal, Refusal::pool_exhausted);
  EXPECT_TRUE(table.look_inside(key(1, 1)));
  EXPECT_EQ(table.size(), 2U);
}

// The bound, and who survives, when new flows come without end.
TEST(FlowTable, AFloodOfNewFlowsNeverExceedsTheBoundAndEstablishedConnectionsSurviveIt) {
  constexpr std::uint32_t bound = 1000;
  FlowTable table{bound, seed};
  const SourceRules rules = pool_rules(5, 5);
  for (std::uint16_t port = 1; port <= 100; ++port) establish(table, key(1, port, tcp), rules, start);
  for (std::uint32_t i = 0; i < 200000; ++i) {
    const Time now = start + i * 1ms;
    const auto begun =
        table.begin_inside(key(2 + i / 60000, static_cast<std::uint16_t>(i % 60000)), rules, now);
    ASSERT_EQ(begun.refusal, Refusal::none) << i;
    ASSERT_LE(table.size(), bound);
  }
  for (std::uint16_t port = 1; port <= 100; ++port) {
    const auto found = table.find_inside(key(1, port, tcp), start + 200s);
    ASSERT_TRUE(found) << port;
    EXPECT_EQ(found.other, ours(5));
  }
}

TEST(FlowTable, EveryProtocolHasItsTime) {
  struct Case {
    std::uint8_t protocol;
    bool answered;
    std::chrono::seconds lives;
  };
  for (const Case& each : {Case{udp, false, 120s}, Case{udp, true, 120s}, Case{icmpv6, true, 30s},
                           Case{tcp, false, 240s}, Case{tcp, true, 7440s}, Case{50, true, 600s}}) {
    FlowTable table{16, seed};
    const auto begun = table.begin_inside(key(1, 1, each.protocol), pool_rules(5, 5), start);
    if (each.answered) table.note(begun.flow, false, answer);
    table.expire(start + each.lives - 1s);
    EXPECT_EQ(table.size(), 1U) << int{each.protocol} << each.answered;
    table.expire(start + each.lives);
    EXPECT_EQ(table.size(), 0U) << int{each.protocol} << each.answered;
  }
}

TEST(FlowTable, APacketInEitherDirectionKeepsAFlowAlive) {
  FlowTable table{16, seed};
  (void)table.begin_inside(key(1, 1), pool_rules(5, 5), start);
  EXPECT_TRUE(table.find_inside(key(1, 1), start + 100s));
  table.expire(start + 130s);
  EXPECT_TRUE(table.find_outside(with_local(key(1, 1), ours(5)), start + 210s));
  table.expire(start + 300s);
  EXPECT_EQ(table.size(), 1U);
  table.expire(start + 330s);
  EXPECT_EQ(table.size(), 0U);
}

// Each thread has looked at its clock at another moment.
TEST(FlowTable, APacketOfTheNextSecondIsNoOldOne) {
  FlowTable table{1, seed};
  const SourceRules rules = pool_rules(5, 5);
  establish(table, key(1, 1), rules, start + 1s);
  table.expire(start);
  EXPECT_EQ(table.size(), 1U);
  EXPECT_EQ(table.list(0, 1, start).at(0).idle, 0s);
  EXPECT_EQ(table.begin_inside(key(1, 2), rules, start).refusal, Refusal::table_full);
}

TEST(FlowTable, ATcpConnectionEndsWithTwoFinsOrOneRst) {
  FlowTable table{16, seed};
  const SourceRules rules = pool_rules(5, 5);
  const auto state = [&](std::uint16_t port) { return table.find_inside(key(1, port, tcp), start).state; };
  for (std::uint16_t port = 1; port <= 2; ++port) establish(table, key(1, port, tcp), rules, start);
  const auto one = table.find_inside(key(1, 1, tcp), start);
  table.note(one, true, {.fin = true});
  table.note(one, true, {.fin = true});
  EXPECT_EQ(state(1), FlowState::established) << "half closed";
  table.note(one, false, {.answer = true, .fin = true});
  EXPECT_EQ(state(1), FlowState::closing);
  table.note(table.find_inside(key(1, 2, tcp), start), false, {.answer = true, .rst = true});
  EXPECT_EQ(state(2), FlowState::closed);
  table.note(table.find_inside(key(1, 2, tcp), start), true, {});
  EXPECT_EQ(state(2), FlowState::established) << "the host did not believe it";
  table.note(table.find_inside(key(1, 2, tcp), start), true, {.rst = true});
  EXPECT_EQ(state(2), FlowState::closed);
  table.expire(start + 10s);
  EXPECT_FALSE(table.find_inside(key(1, 2, tcp), start));
  table.expire(start + 239s);
  EXPECT_EQ(table.size(), 1U);
  table.expire(start + 240s);
  EXPECT_EQ(table.size(), 0U);
}

TEST(FlowTable, WhatIsOldIsNotTakenForWhatIsInItsPlace) {
  FlowTable table{1, seed};
  const SourceRules rules = pool_rules(5, 5);
  const auto old = table.begin_inside(key(1, 1, tcp), rules, start).flow;
  table.end(old);
  (void)table.begin_inside(key(1, 2, tcp), rules, start);
  table.note(old, false, {.answer = true, .rst = true});
  table.end(old);
  EXPECT_EQ(table.find_inside(key(1, 2, tcp), start).state, FlowState::opening);
}

TEST(FlowTable, ListsItsFlows) {
  FlowTable table{16, seed};
  (void)table.begin_inside(key(1, 1, tcp), pool_rules(5, 5), start);
  table.begin_outside(key(2, 2), start + 3s);
  std::vector<FlowTable::Listed> all;
  for (std::uint32_t first = 0; first < table.bound(); first += 5) {
    for (const auto& listed : table.list(first, 5, start + 4s)) all.push_back(listed);
  }
  ASSERT_EQ(all.size(), 2U);
  EXPECT_EQ(all[0].inside, key(1, 1, tcp));
  EXPECT_EQ(all[0].outside, ours(5));
  EXPECT_EQ(all[0].rule, 1U);
  EXPECT_EQ(all[0].idle, 4s);
  EXPECT_TRUE(all[0].begun_inside);
  EXPECT_EQ(all[1].inside, key(2, 2));
  EXPECT_EQ(all[1].outside, ours(2));
  EXPECT_EQ(all[1].rule, 0U);
  EXPECT_EQ(all[1].idle, 1s);
  EXPECT_FALSE(all[1].begun_inside);
  EXPECT_TRUE(table.list(16, 5, start).empty());
}

// Readers without the lock, while flows begin and end under their feet.
TEST(FlowTable, WhoeverReadsWhileOthersWriteFindsWhatIsThereAndNothingElse) {
  FlowTable table{64, seed};
  const SourceRules rules = pool_rules(100, 300);
  establish(table, key(1, 7, tcp), rules, start);
  const wire::Ipv6Address chosen = table.find_inside(key(1, 7, tcp), start).other;
  std::atomic<bool> stop = false;
  std::atomic<std::uint64_t> wrong = 0;
  std::vector<std::thread> threads;
  for (std::uint64_t host = 2; host < 4; ++host) {
    threads.emplace_back([&, host] {
      for (int round = 0; round < 20000; ++round) {
        const FlowKey flow = key(host, static_cast<std::uint16_t>(round % 20));
        const auto begun = table.begin_inside(flow, rules, start);
        if (!begun.flow) continue;
        const auto found = table.find_inside(flow, start);
        if (!found || found.other != begun.flow.other) ++wrong;
        table.end(begun.flow);
      }
      stop = true;
    });
  }
  threads.emplace_back([&] {
    while (!stop) {
      const auto inside = table.find_inside(key(1, 7, tcp), start);
      const auto outside = table.find_outside(with_local(key(1, 7, tcp), chosen), start);
      if (!inside || !outside || inside.other != chosen || outside.other != ours(1)) ++wrong;
    }
  });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong, 0U);
}

}  // namespace
}  // namespace sixin4::engine
