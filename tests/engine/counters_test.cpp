// Counters, and the time of the last packet.
#include "sixin4/engine/counters.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <thread>

#include <gtest/gtest.h>

namespace sixin4::engine {
namespace {

TEST(Counter, AddsUp) {
  Counter counter;
  EXPECT_EQ(counter.value(), 0U);
  counter.add(3);
  counter.add(0);
  counter.add(0x1'0000'0000);
  EXPECT_EQ(counter.value(), 0x1'0000'0003U);
}

TEST(Counter, AReaderNeverSeesItFall) {
  constexpr std::uint64_t all = 200'000;
  Counter counter;
  std::thread writer([&] {
    for (std::uint64_t count = 0; count < all; ++count) counter.add(1);
  });
  std::uint64_t seen = 0;
  while (seen < all) {
    const std::uint64_t now = counter.value();
    ASSERT_GE(now, seen);
    ASSERT_LE(now, all);
    seen = now;
  }
  writer.join();
  EXPECT_EQ(counter.value(), all);
}

TEST(DirectionCounters, EveryReasonHasItsOwnCounter) {
  DirectionCounters counters;
  for (std::size_t value = 0; value < verdict_count; ++value) {
    for (std::size_t times = 0; times <= value; ++times) counters.drop(static_cast<Verdict>(value));
  }
  for (std::size_t value = 0; value < verdict_count; ++value) {
    EXPECT_EQ(counters.dropped(static_cast<Verdict>(value)), value + 1);
  }
  EXPECT_EQ(counters.packets.value(), 0U);
  EXPECT_EQ(counters.bytes.value(), 0U);
}

TEST(LastTime, IsTheEpochUntilItIsSet) {
  LastTime last;
  EXPECT_EQ(last.get(), Time{});
  const Time now = Time{std::chrono::hours{5}} + std::chrono::nanoseconds{7};
  last.set(now);
  EXPECT_EQ(last.get(), now);
}

}  // namespace
}  // namespace sixin4::engine
