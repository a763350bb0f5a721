// The search for the highest rate without loss, on links that can be told exactly.
#include "sixin4/testbed/rate_search.hpp"

#include <algorithm>

#include <gtest/gtest.h>

namespace sixin4::testbed::testing {
namespace {

constexpr double a_second = 1;

/// A link that passes so many datagrams a second and loses the rest.
TrialCounts over_link(double passes, double rate) {
  return {.sent = static_cast<std::uint64_t>(rate),
          .received = static_cast<std::uint64_t>(std::min(passes, rate)),
          .seconds = a_second};
}

TEST(HighestRate, IsTheLinksToAFewPercent) {
  for (const double passes : {900.0, 20'000.0, 250'000.0, 1'700'000.0}) {
    const double found = highest_rate([passes](double rate) { return over_link(passes, rate); });
    EXPECT_LE(found, passes);
    EXPECT_GT(found, 0.95 * passes);
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
      return TrialCounts{.sent = sent, .received = sent - sent * lost / 10'000, .seconds = a_second};
    };
  };
  EXPECT_GT(highest_rate(losing(10)), 3'000'000);
  EXPECT_LT(highest_rate(losing(20)), 1000) << "where less than one in so many is none";
}

}  // namespace
}  // namespace sixin4::testbed::testing
