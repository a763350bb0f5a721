// Rates between two statuses.
#include "rates.hpp"

#include <chrono>
#include <limits>
#include <string>

#include <gtest/gtest.h>

#include "sixin4/control/status.hpp"

namespace sixin4::cli::testing {
namespace {

using namespace std::chrono_literals;

control::Status after(double uptime_s) {
  control::Status status;
  status.uptime_s = uptime_s;
  status.out = {.packets = 100, .bytes = 10000, .drops = {{"too-big", 4}}};
  status.in = {.packets = 50, .bytes = 5000, .drops = {}};
  return status;
}

TEST(Rates, AreIncreasesDividedByTheTime) {
  const control::Status previous = after(100);
  control::Status current = after(102);
  current.out = {.packets = 120, .bytes = 35000, .drops = {{"too-big", 9}, {"wire-full", 1}}};
  current.in.packets = 51;
  const auto rates = rates_of(to_json(previous), to_json(current), 2s);
  ASSERT_TRUE(rates);
  EXPECT_DOUBLE_EQ(rates->out.packets, 10);
  EXPECT_DOUBLE_EQ(rates->out.bits, 100000);
  EXPECT_EQ(rates->out.drops, (std::map<std::string, std::uint64_t>{{"too-big", 5}, {"wire-full", 1}}));
  EXPECT_DOUBLE_EQ(rates->in.packets, 0.5);
  EXPECT_DOUBLE_EQ(rates->in.bits, 0);
  EXPECT_TRUE(rates->in.drops.empty());
}

TEST(Rates, ReasonsThatDidNotHappenAgainAreLeftOut) {
  const auto rates = rates_of(to_json(after(100)), to_json(after(101)), 1s);
  ASSERT_TRUE(rates);
  EXPECT_TRUE(rates->out.drops.empty());
}

TEST(Rates, AnEndpointThatWasStartedAnewHasNone) {
  EXPECT_FALSE(rates_of(to_json(after(100)), to_json(after(0.5)), 1s)) << "it has run for less time";
  // It had run for 1 s, and 10 s later it has run for 9 s.
  EXPECT_FALSE(rates_of(to_json(after(1)), to_json(after(9)), 10s))
      << "it was started after the previous look";
}

TEST(Rates, CountersThatBecomeLessAreNotOfOneRun) {
  const control::Status previous = after(100);
  control::Status current = after(101);
  current.in.packets = 49;
  EXPECT_FALSE(rates_of(to_json(previous), to_json(current), 1s));
  current = after(101);
  current.in.bytes = 0;
  EXPECT_FALSE(rates_of(to_json(previous), to_json(current), 1s));
  current = after(101);
  current.out.drops["too-big"] = 3;
  EXPECT_FALSE(rates_of(to_json(previous), to_json(current), 1s));
}

TEST(Rates, NoTimeIsNoRate) {
  EXPECT_FALSE(rates_of(to_json(after(100)), to_json(after(101)), 0s));
  EXPECT_FALSE(rates_of(to_json(after(100)), to_json(after(101)), -1s));
}

TEST(Rates, LargeCountersKeepTheirLastPacket) {
  control::Status previous = after(100);
  control::Status current = after(101);
  previous.out.packets = std::numeric_limits<std::uint64_t>::max() - 7;
  current.out.packets = std::numeric_limits<std::uint64_t>::max();
  const auto rates = rates_of(to_json(previous), to_json(current), 1s);
  ASSERT_TRUE(rates);
  EXPECT_DOUBLE_EQ(rates->out.packets, 7);
}

}  // namespace
}  // namespace sixin4::cli::testing
