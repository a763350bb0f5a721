// Helpers of the traffic generators: the pattern shows wrong positions, results and failures of a child reach
// its parent, and processor ticks come from the right columns of /proc/stat.
#include <algorithm>
#include <chrono>
#include <stdexcept>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <unistd.h>

#include "sixin4/testbed/cpu_time.hpp"
#include "sixin4/testbed/pattern.hpp"
#include "sixin4/testbed/process.hpp"

namespace sixin4::testbed::testing {
namespace {

using namespace std::chrono_literals;

TEST(Pattern, IsItselfOnlyWhereItBelongs) {
  const auto stretch = pattern(123'456'789, 1400);
  EXPECT_TRUE(matches_pattern(stretch, 123'456'789));
  for (const std::uint64_t shift : {1U, 8U, 1420U, 65'536U, 131'072U}) {
    EXPECT_FALSE(matches_pattern(stretch, 123'456'789 + shift)) << shift;
  }
}

TEST(Pattern, GoesOnFromStretchToStretch) {
  const auto whole = pattern(131'000, 1000);
  const auto later = pattern(131'100, 900);
  EXPECT_TRUE(std::ranges::equal(whole.subspan(100), later));
}

TEST(Pattern, SamplesFindAPacketThatIsMissingOrChanged) {
  const auto sent = pattern(0, 100'000);
  std::vector<std::uint8_t> bytes{sent.begin(), sent.end()};
  EXPECT_TRUE(samples_match_pattern(bytes, 0));
  std::fill_n(bytes.begin() + 50'000, 1200, std::uint8_t{0});
  EXPECT_FALSE(samples_match_pattern(bytes, 0));
  bytes.assign(sent.begin(), sent.end());
  bytes.erase(bytes.begin() + 50'000, bytes.begin() + 51'420);
  EXPECT_FALSE(samples_match_pattern(bytes, 0));
}

TEST(JobTest, GivesTheResultBack) {
  Job<int> job{"a job", [](const auto& ready) {
                 ready();
                 return 42;
               }};
  job.wait_until_ready(Clock::now() + 5s);
  EXPECT_EQ(job.finish(Clock::now() + 5s), 42);
}

TEST(JobTest, WhatIsThrownReachesTheParent) {
  Job<int> failing{"a job", [](const auto&) -> int { throw std::runtime_error("no such thing"); }};
  EXPECT_THROW(
      try { (void)failing.finish(Clock::now() + 5s); } catch (const std::runtime_error& error) {
        EXPECT_STREQ(error.what(), "a job: no such thing (exit status 1)");
        throw;
      },
      std::runtime_error);
  Job<int> wrong{"a job", [](const auto&) -> int { throw WrongData("other bytes"); }};
  EXPECT_THROW((void)wrong.finish(Clock::now() + 5s), WrongData);
}

TEST(JobTest, OneThatDoesNotEndIsGivenUp) {
  Job<int> job{"a job", [](const auto&) { return ::pause(); }};
  EXPECT_THROW((void)job.finish(Clock::now() + 50ms), std::runtime_error);
}

TEST(ProcessTest, AMissingProgramIsNamed) {
  Process process{[] { execute({"no-such-program", "--at-all"}); }};
  EXPECT_EQ(process.wait_until(Clock::now() + 5s), Process::status_no_program);
  EXPECT_EQ(process.output_line(), "cannot run no-such-program; install it: No such file or directory");
}

TEST(ProcessTest, StopEndsIt) {
  Process process{[] { ::pause(); }};
  EXPECT_EQ(process.wait_until(Clock::now()), std::nullopt);
  process.stop();
  EXPECT_EQ(process.wait_until(Clock::now()), 128 + SIGTERM);
}

TEST(BusyTicks, AreUserNiceSystemAndInterrupts) {
  const std::string stat =
      "cpu  11 22 33 44 55 66 77 88 0 0\n"
      "cpu0 1 2 4 1000 2000 8 16 4000 0 0\n"
      "cpu1 100 0 0 0 0 0 0 0 0 0\n"
      "cpu10 5 0 0 0 0 0 0 0 0 0\n";
  EXPECT_EQ(busy_ticks(stat, 0), 1 + 2 + 4 + 8 + 16);
  EXPECT_EQ(busy_ticks(stat, 1), 100);
  EXPECT_EQ(busy_ticks(stat, 10), 5);
  EXPECT_THROW((void)busy_ticks(stat, 2), std::runtime_error);
}

}  // namespace
}  // namespace sixin4::testbed::testing
