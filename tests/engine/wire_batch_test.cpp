// The batch of outer packets: order, borrowed bodies, and when it is full.
#include "sixin4/engine/wire_batch.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>

#include <gtest/gtest.h>

#include "packets.hpp"

namespace sixin4::engine {
namespace {

using namespace test;

TEST(WireBatch, IsEmptyAtFirst) {
  const WireBatch batch{};
  EXPECT_EQ(batch.size(), 0U);
  EXPECT_TRUE(batch.has_room());
  EXPECT_EQ(batch.size(), 0U);
  EXPECT_TRUE(batch.packets().empty());
}

TEST(WireBatch, KeepsPacketsInOrderWithTheirOwnHeads) {
  WireBatch batch;
  const Octets body = payload_of(100);
  for (std::uint8_t index = 0; index < 20; ++index) {
    const auto head = batch.add(20U + index, wire::Bytes{body}.first(index), 1000U + index);
    ASSERT_EQ(head.size(), 20U + index);
    std::ranges::fill(head, index);
  }
  ASSERT_EQ(batch.size(), 20U);
  for (std::uint8_t index = 0; index < 20; ++index) {
    const OuterPacket& packet = batch.packets()[index];
    EXPECT_EQ(octets_of(packet.head), Octets(20U + index, index));
    EXPECT_EQ(packet.body.data(), body.data());  // borrowed, not copied
    EXPECT_EQ(packet.body.size(), index);
    EXPECT_EQ(packet.inner_length, 1000U + index);
  }
}

TEST(WireBatch, IsFullWithTheMostPackets) {
  WireBatch batch;
  for (std::size_t count = 0; count < WireBatch::max_packets; ++count) {
    ASSERT_TRUE(batch.has_room()) << count;
    (void)batch.add(wire::ipv4_header_size, {}, 1);
  }
  EXPECT_FALSE(batch.has_room());
  EXPECT_EQ(batch.size(), WireBatch::max_packets);
}

// A TCP header with options and an IPv6 header: the number of packets limits the batch, not their heads.
TEST(WireBatch, OrdinaryHeadsFillItToTheMostPackets) {
  WireBatch batch;
  while (batch.has_room()) (void)batch.add(20 + 40 + 60, {}, 1);
  EXPECT_EQ(batch.size(), WireBatch::max_packets);
}

TEST(WireBatch, HasRoomForTheLongestHeadWheneverItSaysSo) {
  const auto batch = std::make_unique<WireBatch>();  // on the heap, where AddressSanitizer sees an overflow
  for (const std::size_t length : {WireBatch::max_head, std::size_t{1000}, std::size_t{4000}}) {
    batch->clear();
    std::size_t count = 0;
    while (batch->has_room()) {
      std::ranges::fill(batch->add(length, {}, 1), std::uint8_t{0xff});
      ++count;
    }
    EXPECT_GE(count, 4U);
    for (const auto& packet : batch->packets()) EXPECT_EQ(octets_of(packet.head), Octets(length, 0xff));
  }
}

TEST(WireBatch, IsEmptyAfterClearAndTakesAsManyAgain) {
  WireBatch batch;
  for (int round = 0; round < 3; ++round) {
    while (batch.has_room()) (void)batch.add(100, {}, 1);
    EXPECT_EQ(batch.size(), WireBatch::max_packets);
    batch.clear();
    EXPECT_EQ(batch.size(), 0U);
    EXPECT_TRUE(batch.packets().empty());
  }
}

}  // namespace
}  // namespace sixin4::engine
