// The search for the highest rate without loss, on simulated links.
#include "sixin4/testbed/rate_search.hpp"

#include <algorithm>

#include <gtest/gtest.h>

namespace sixin4::testbed::testing {
namespace {

constexpr double trial_seconds = 1;

/// A trial on a link that passes `capacity` datagrams per second and loses the rest.
TrialCounts over_link(double capacity, double rate) {
  return {.sent = static_cast<std::uint64_t>(rate),
          .received = static_cast<std::uint64_t>(std::min(capacity, rate)),
          .seconds = trial_seconds};
}

TEST(HighestRate, IsTheLinksToAFewPercent) {
  for (const double capacity : {900.0, 20'000.0, 250'000.0, 1'700'000.0}) {
    const double found = highest_rate([capacity](double rate) { return over_link(capacity, rate); });
    EXPECT_LE(found, capacity);
    EXPECT_GT(found, 0.95 * capacity);
  }
}

TEST(HighestRate, IsTheSendersWhereTheLinkPassesMore) {
  const auto slow_sender = [](double rate) { return over_link(1e9, std::min(rate, 150'000.0)); };
  EXPECT_EQ(highest_rate(slow_sender), 150'000);
}

TEST(HighestRate, Is0WhereNothingPasses) {
  EXPECT_EQ(highest_rate([](double rate) { return over_link(0, rate); }), 0);
}

TEST(HighestRate, IsNotLoweredByOneBadTrial) {
  int trials = 0;
  const double found =
      highest_rate([&trials](double rate) { return over_link(++trials % 2 == 0 ? 250'000 : 0, rate); });
  EXPECT_GT(found, 0.95 * 250'000);
}

TEST(HighestRate, AllowsOneLostDatagramInAThousand) {
  const auto losing = [](std::uint64_t lost) {
    return [lost](double rate) {
      const auto sent = static_cast<std::uint64_t>(rate);
      return TrialCounts{.sent = sent, .received = sent - sent * lost / 10'000, .seconds = trial_seconds};
    };
  };
  EXPECT_GT(highest_rate(losing(10)), 3'000'000);
  EXPECT_LT(highest_rate(losing(20)), 1000) << "at low rates one lost datagram in 500 is none";
}

}  // namespace
}  // namespace sixin4::testbed::testing
