// Round-trip time and loss of the echo requests, for sequences of answers.
#include "echo_record.hpp"

#include <chrono>
#include <cstdint>
#include <optional>

#include <gtest/gtest.h>

namespace sixin4::tunnel::testing {
namespace {

using namespace std::chrono_literals;

class EchoRecordTest : public ::testing::Test {
 protected:
  /// One request a second. `is_answered`: after 8 ms.
  void echo(bool is_answered) {
    now += 1s;
    const std::uint16_t sequence = record.next(now);
    if (is_answered) record.answered(sequence, now + 8ms);
  }

  EchoRecord record;
  EchoRecord::Clock::time_point now{1h};
};

TEST_F(EchoRecordTest, KnowsNothingBeforeTheFirstAnswer) {
  EXPECT_EQ(record.round_trip(), std::nullopt);
  EXPECT_EQ(record.loss(), std::nullopt);
  echo(false);
  EXPECT_EQ(record.loss(), std::nullopt) << "it is still under way";
  EXPECT_EQ(record.lost_in_a_row(), 0U);
}

TEST_F(EchoRecordTest, TheRoundTripIsThatOfTheLastAnswer) {
  const auto first = record.next(now);
  record.answered(first, now + 20ms);
  EXPECT_EQ(record.round_trip(), 20ms);
  echo(true);
  EXPECT_EQ(record.round_trip(), 8ms);
  echo(false);
  EXPECT_EQ(record.round_trip(), 8ms);
}

TEST_F(EchoRecordTest, AnEchoIsLostWhenTheNextOneLeaves) {
  echo(true);
  EXPECT_EQ(record.loss(), 0.0);
  echo(false);
  EXPECT_EQ(record.loss(), 0.0);
  echo(false);
  EXPECT_EQ(record.loss(), 0.5);
  EXPECT_EQ(record.lost_in_a_row(), 1U);
  echo(true);
  EXPECT_EQ(record.loss(), 0.5) << "two of four";
  EXPECT_EQ(record.lost_in_a_row(), 0U);
}

TEST_F(EchoRecordTest, ALateAnswerIsAnAnswer) {
  const auto late = record.next(now);
  echo(false);
  EXPECT_EQ(record.lost_in_a_row(), 1U);
  record.answered(late, now + 1ms);
  EXPECT_EQ(record.lost_in_a_row(), 0U);
  EXPECT_EQ(record.loss(), 0.0);
}

TEST_F(EchoRecordTest, AnUnexpectedAnswerChangesNothing) {
  record.answered(17, now);
  EXPECT_EQ(record.round_trip(), std::nullopt);
  const auto sequence = record.next(now);
  record.answered(sequence, now + 5ms);
  record.answered(sequence, now + 900ms);
  EXPECT_EQ(record.round_trip(), 5ms) << "the second is a duplicate";
}

TEST_F(EchoRecordTest, OnlyTheLast32Count) {
  for (int i = 0; i < 40; ++i) echo(false);
  EXPECT_EQ(record.lost_in_a_row(), 32U);
  for (int i = 0; i < 33; ++i) echo(true);
  EXPECT_EQ(record.loss(), 0.0);
}

TEST_F(EchoRecordTest, SequenceNumbersMayWrap) {
  for (int i = 0; i < 70000; ++i) echo(true);
  EXPECT_EQ(record.loss(), 0.0);
  EXPECT_EQ(record.round_trip(), 8ms);
}

}  // namespace
}  // namespace sixin4::tunnel::testing
