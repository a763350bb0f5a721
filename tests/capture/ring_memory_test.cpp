// The shared memory of a capture ring.
#include "sixin4/capture/ring_memory.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

namespace sixin4::capture::testing {
namespace {

TEST(RingMemory, CannotBeTakenAwayFromUnderTheWorker) {
  RingMemory memory{8192};
  const base::FileDescriptor descriptor = memory.take_descriptor();
  EXPECT_NE(::ftruncate(descriptor.get(), 0), 0);
  EXPECT_NE(::ftruncate(descriptor.get(), 16384), 0);
  memory.bytes()[8191] = 1;
  const RingMemory other{base::FileDescriptor{::dup(descriptor.get())}};
  EXPECT_EQ(other.bytes().size(), 8192U);
  EXPECT_EQ(other.bytes()[8191], 1U);
}

}  // namespace
}  // namespace sixin4::capture::testing
