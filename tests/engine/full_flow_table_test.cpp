// A full flow table: which flows make room, in which order, and which stay.
#include <cstddef>
#include <cstdint>

#include <gtest/gtest.h>

#include "flows.hpp"

namespace sixin4::engine {
namespace {

using namespace test_flows;

TEST(FlowTable, AnUnansweredFlowMakesRoomAtOnceAndTheOldestFirst) {
  for (const std::uint8_t protocol : {tcp, udp, icmpv6, std::uint8_t{50}}) {
    FlowTable table{3, seed};
    const SourceRules rules = pool_rules(5, 5);
    for (std::uint16_t port = 1; port <= 10; ++port) {
      EXPECT_EQ(table.begin_inside(key(1, port, protocol), rules, start).verdict, Verdict::pass);
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
  EXPECT_EQ(table.begin_inside(key(1, 5), rules, start + 2s).verdict, Verdict::pass) << "all are, one goes";
}

TEST(FlowTable, AFullTableOfAnsweredDatagramFlowsRefusesUntilOneIsIdle) {
  FlowTable table{3, seed};
  const SourceRules rules = pool_rules(5, 5);
  for (std::uint16_t port = 1; port <= 3; ++port) establish(table, key(1, port), rules, start + port * 1s);
  EXPECT_EQ(table.begin_inside(key(1, 4), rules, start + 5s).verdict, Verdict::flow_table_full);
  EXPECT_TRUE(table.find_inside(key(1, 1), start + 5s)) << "is heard of again";
  EXPECT_EQ(table.begin_inside(key(1, 4), rules, start + 6s).verdict, Verdict::flow_table_full);
  EXPECT_EQ(table.begin_inside(key(1, 4), rules, start + 7s).verdict, Verdict::pass);
  EXPECT_FALSE(table.find_inside(key(1, 2), start + 8s)) << "the oldest went";
  EXPECT_TRUE(table.find_inside(key(1, 1), start + 8s));
  EXPECT_TRUE(table.find_inside(key(1, 3), start + 8s));
}

TEST(FlowTable, EstablishedTcpConnectionsStayHoweverIdle) {
  FlowTable table{2, seed};
  const SourceRules rules = pool_rules(5, 5);
  for (std::uint16_t port = 1; port <= 2; ++port) establish(table, key(1, port, tcp), rules, start);
  EXPECT_EQ(table.begin_inside(key(1, 3, tcp), rules, start + 3600s).verdict, Verdict::flow_table_full);
  EXPECT_EQ(table.begin_inside(key(1, 3), rules, start + 3600s).verdict, Verdict::flow_table_full);
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
  EXPECT_EQ(table.begin_inside(key(1, 3), rules, start + 20s).verdict, Verdict::pass);
  EXPECT_TRUE(table.find_inside(key(1, 1), start + 20s));
  EXPECT_FALSE(table.find_inside(key(1, 2), start + 20s));
}

/// Ends a TCP connection by a reset.
void reset(FlowTable& table, const FlowKey& flow, const SourceRules& rules, Time now) {
  establish(table, flow, rules, now);
  table.note(table.look_inside(flow), Direction::in, {.answer = true, .rst = true});
}

TEST(FlowTable, AConnectionThatIsOverGoesFirstOnceItIsSilent) {
  FlowTable table{3, seed};
  const SourceRules rules = pool_rules(5, 5);
  (void)table.begin_inside(key(1, 1), rules, start);
  reset(table, key(1, 2, tcp), rules, start);
  establish(table, key(1, 3, tcp), rules, start);
  for (const Direction direction : {Direction::out, Direction::in}) {
    table.note(table.look_inside(key(1, 3, tcp)), direction,
               {.answer = direction == Direction::in, .fin = true});
  }
  EXPECT_EQ(table.begin_inside(key(1, 4), rules, start + 4s).verdict, Verdict::pass);
  EXPECT_FALSE(table.look_inside(key(1, 1))) << "not yet";
  EXPECT_EQ(table.begin_inside(key(1, 5), rules, start + 5s).verdict, Verdict::pass);
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
  EXPECT_EQ(table.begin_inside(key(1, 4), rules, start + 20s).verdict, Verdict::pass);
  EXPECT_FALSE(table.look_inside(key(1, 2, tcp)));
  EXPECT_TRUE(table.look_inside(key(1, 1))) << "answered, and idle: after it";
}

TEST(FlowTable, AConnectionThatOutlivesAResetIsEstablishedAgain) {
  FlowTable table{1, seed};
  const SourceRules rules = pool_rules(5, 5);
  reset(table, key(1, 1, tcp), rules, start);
  table.note(table.look_inside(key(1, 1, tcp)), Direction::out, {});
  EXPECT_EQ(table.begin_inside(key(1, 2), rules, start + 60s).verdict, Verdict::flow_table_full);
  table.note(table.look_inside(key(1, 1, tcp)), Direction::in, {.answer = true, .rst = true});
  table.note(table.look_inside(key(1, 1, tcp)), Direction::out, {.begins = true});
  EXPECT_EQ(table.begin_inside(key(1, 2), rules, start).verdict, Verdict::pass) << "a new one is unanswered";
}

TEST(FlowTable, NothingMakesRoomForAFlowThatIsRefused) {
  FlowTable table{2, seed};
  const SourceRules rules = pool_rules(5, 5);
  (void)table.begin_inside(key(1, 1), rules, start);
  (void)table.begin_inside(key(1, 2), rules, start);
  EXPECT_EQ(table.begin_inside(key(2, 2), rules, start).verdict, Verdict::pool_exhausted);
  EXPECT_TRUE(table.look_inside(key(1, 1)));
  EXPECT_EQ(table.size(), 2U);
}

// The bound holds, and the right flows stay, under a stream of new flows.
TEST(FlowTable, AFloodOfNewFlowsNeverExceedsTheBoundAndEstablishedConnectionsSurviveIt) {
  constexpr std::uint32_t bound = 1000;
  FlowTable table{bound, seed};
  const SourceRules rules = pool_rules(5, 5);
  for (std::uint16_t port = 1; port <= 100; ++port) establish(table, key(1, port, tcp), rules, start);
  for (std::uint32_t i = 0; i < 200000; ++i) {
    const Time now = start + i * 1ms;
    const auto begun =
        table.begin_inside(key(2 + i / 60000, static_cast<std::uint16_t>(i % 60000)), rules, now);
    ASSERT_EQ(begun.verdict, Verdict::pass) << i;
    ASSERT_LE(table.size(), bound);
  }
  for (std::uint16_t port = 1; port <= 100; ++port) {
    const auto found = table.find_inside(key(1, port, tcp), start + 200s);
    ASSERT_TRUE(found) << port;
    EXPECT_EQ(found.other, ours(5));
  }
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

// Programs on this host can still answer.
TEST(FlowTable, AFlowFromOutsideTakesThePlaceOfTheOldestOneThatIsNotAnswered) {
  FlowTable table{2, seed};
  table.begin_outside(key(1, 1), start);
  table.begin_outside(key(1, 2), start);
  table.begin_outside(key(1, 3), start);
  EXPECT_FALSE(table.look_inside(key(1, 1)));
  EXPECT_TRUE(table.look_inside(key(1, 2)));
  EXPECT_TRUE(table.look_inside(key(1, 3)));
  EXPECT_EQ(table.begin_inside(key(1, 4), pool_rules(5, 5), start).verdict, Verdict::pass);
  EXPECT_FALSE(table.look_inside(key(1, 2)));
}

/// The table's unanswered flows by the side that began them.
struct Unanswered {
  std::size_t inside = 0;
  std::size_t outside = 0;
};
Unanswered unanswered_of(const FlowTable& table) {
  Unanswered count;
  for (const auto& flow : table.list(0, table.bound(), start)) {
    if (flow.state == FlowState::opening) ++(flow.begun == Direction::out ? count.inside : count.outside);
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
    EXPECT_EQ(table.begin_inside(key(2, port), rules, start).verdict, Verdict::pass);
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
  table.note(table.look_inside(key(1, 1)), Direction::out, answer);
  EXPECT_EQ(table.begin_inside(key(1, 3), rules, start + 3s).verdict, Verdict::flow_table_full);
  table.begin_outside(key(1, 4), start + 100s);
  EXPECT_TRUE(table.look_inside(key(1, 1)));
}

}  // namespace
}  // namespace sixin4::engine
