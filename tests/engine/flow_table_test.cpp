// The flow table: look-ups, refusals and expiry.
#include "sixin4/engine/flow_table.hpp"

#include <array>
#include <atomic>
#include <set>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "flows.hpp"

namespace sixin4::engine {
namespace {

using namespace test_flows;

TEST(FlowTable, AFlowIsFoundFromBothSidesUntilItEnds) {
  FlowTable table{16, seed};
  const SourceRules rules = pool_rules(5, 5);
  EXPECT_FALSE(table.find_inside(key(1, 1), start));
  const auto begun = table.begin_inside(key(1, 1), rules, start);
  ASSERT_EQ(begun.verdict, Verdict::pass);
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
  EXPECT_EQ(table.begin_inside(key(1, 1), action_rules(SourceAction::reject), start).verdict,
            Verdict::source_rejected);
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
  EXPECT_EQ(table.begin_inside(key(4, 1), rules, start).verdict, Verdict::pool_exhausted);
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
  EXPECT_EQ(table.begin_inside(key(5, 1), action_rules(SourceAction::keep), start).verdict,
            Verdict::pool_exhausted);
}

TEST(FlowTable, AFlowFromOutsideKeepsItsAddress) {
  FlowTable table{16, seed};
  table.begin_outside(key(1, 1), start);
  const auto found = table.find_inside(key(1, 1), start);
  ASSERT_TRUE(found);
  EXPECT_EQ(found.begun, Direction::in);
  EXPECT_FALSE(found.rewritten);
  EXPECT_EQ(table.begin_inside(key(1, 1), pool_rules(5, 5), start).flow.other, ours(1));
}

// Else a sender who knows an address of the pool could block it.
TEST(FlowTable, AnUnansweredDatagramFromOutsideStandsInNobodysWay) {
  FlowTable table{16, seed};
  table.begin_outside(with_local(key(1, 1), ours(5)), start);
  EXPECT_EQ(table.begin_inside(key(1, 1), pool_rules(5, 5), start).flow.other, ours(5));
  EXPECT_EQ(table.size(), 1U);
  table.begin_outside(with_local(key(2, 2), ours(5)), start);
  table.note(table.look_outside(with_local(key(2, 2), ours(5))), Direction::out, answer);
  EXPECT_EQ(table.begin_inside(key(2, 2), pool_rules(5, 5), start).verdict, Verdict::pool_exhausted)
      << "an answered one does";
}

TEST(FlowTable, WhatAnErrorQuotesKeepsNoFlowAlive) {
  FlowTable table{16, seed};
  (void)table.begin_inside(key(1, 1), pool_rules(5, 5), start);
  EXPECT_TRUE(table.look_inside(key(1, 1)));
  EXPECT_TRUE(table.look_outside(with_local(key(1, 1), ours(5))));
  EXPECT_EQ(table.list(0, 16, start + 100s).at(0).idle, 100s);
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
    if (each.answered) table.note(begun.flow, Direction::in, answer);
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

// Each thread reads its clock at another moment.
TEST(FlowTable, APacketOfTheNextSecondIsNoOldOne) {
  FlowTable table{1, seed};
  const SourceRules rules = pool_rules(5, 5);
  establish(table, key(1, 1), rules, start + 1s);
  table.expire(start);
  EXPECT_EQ(table.size(), 1U);
  EXPECT_EQ(table.list(0, 1, start).at(0).idle, 0s);
  EXPECT_EQ(table.begin_inside(key(1, 2), rules, start).verdict, Verdict::flow_table_full);
}

TEST(FlowTable, ATcpConnectionEndsWithTwoFinsOrOneRst) {
  FlowTable table{16, seed};
  const SourceRules rules = pool_rules(5, 5);
  const auto state = [&](std::uint16_t port) { return table.find_inside(key(1, port, tcp), start).state; };
  for (std::uint16_t port = 1; port <= 2; ++port) establish(table, key(1, port, tcp), rules, start);
  const auto one = table.find_inside(key(1, 1, tcp), start);
  table.note(one, Direction::out, {.fin = true});
  table.note(one, Direction::out, {.fin = true});
  EXPECT_EQ(state(1), FlowState::established) << "half closed";
  table.note(one, Direction::in, {.answer = true, .fin = true});
  EXPECT_EQ(state(1), FlowState::closing);
  table.note(table.find_inside(key(1, 2, tcp), start), Direction::in, {.answer = true, .rst = true});
  EXPECT_EQ(state(2), FlowState::closed);
  table.note(table.find_inside(key(1, 2, tcp), start), Direction::out, {});
  EXPECT_EQ(state(2), FlowState::established) << "the host did not believe it";
  table.note(table.find_inside(key(1, 2, tcp), start), Direction::out, {.rst = true});
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
  table.note(old, Direction::in, {.answer = true, .rst = true});
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
  EXPECT_EQ(all[0].begun, Direction::out);
  EXPECT_EQ(all[1].inside, key(2, 2));
  EXPECT_EQ(all[1].outside, ours(2));
  EXPECT_EQ(all[1].rule, 0U);
  EXPECT_EQ(all[1].idle, 1s);
  EXPECT_EQ(all[1].begun, Direction::in);
  EXPECT_TRUE(table.list(16, 5, start).empty());
}

// Readers take no lock while flows begin and end.
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
