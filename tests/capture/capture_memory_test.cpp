// The memory limit of captures, for any number of captures and of threads.
#include "sixin4/capture/capture_memory.hpp"

#include <cstddef>
#include <stdexcept>
#include <string>

#include <gtest/gtest.h>

namespace sixin4 {
namespace {

constexpr std::size_t mebibyte = std::size_t{1} << 20U;

/// Begins captures until one fails. Returns the number of captures and the message of the failure.
struct Begun {
  std::size_t captures = 0;
  std::size_t memory = 0;
  std::size_t first_ring = 0;
  std::string failure;
};
Begun begin_all(std::size_t rings, std::size_t most = 1000) {
  Begun begun;
  try {
    for (; begun.captures < most; ++begun.captures) {
      const std::size_t size = capture::ring_size(rings, begun.memory);
      if (begun.captures == 0) begun.first_ring = size;
      EXPECT_GE(size, capture::smallest_ring);
      EXPECT_LE(size, capture::largest_ring);
      EXPECT_EQ(size % 4096, 0U);
      begun.memory += rings * size;
    }
  } catch (const std::runtime_error& error) {
    begun.failure = error.what();
  }
  return begun;
}

TEST(CaptureMemory, HasABoundHoweverManyThreadsThereAre) {
  for (std::size_t queues = 1; queues <= 64; ++queues) {
    const Begun begun = begin_all(2 * queues);
    EXPECT_LE(begun.memory, 512 * mebibyte) << queues;
    EXPECT_GE(begun.captures, 5U) << queues;
    EXPECT_FALSE(begun.failure.empty());
  }
}

TEST(CaptureMemory, TheFirstHaveLargeRings) {
  EXPECT_EQ(begin_all(2).first_ring, 16 * mebibyte);
  EXPECT_EQ(begin_all(8).first_ring, 16 * mebibyte);
  EXPECT_EQ(begin_all(16).first_ring, 8 * mebibyte);
  EXPECT_EQ(begin_all(128).first_ring, 1 * mebibyte);
}

TEST(CaptureMemory, WithOneQueueThereIsEnoughForAsManyAsTheControlSocketServes) {
  EXPECT_EQ(begin_all(2, 24).captures, 24U);
}

TEST(CaptureMemory, TheMessageSaysWhatToDo) {
  EXPECT_EQ(
      begin_all(128).failure,
      "captures use 391 MiB of the 512 MiB of memory that they may use, and a capture of 128 threads does "
      "not fit; end another capture, or set fewer 'queues'");
  EXPECT_THROW((void)capture::ring_size(2, 600 * mebibyte), std::runtime_error);
}

}  // namespace
}  // namespace sixin4
