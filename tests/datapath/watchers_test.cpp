// Recorders and taps are added, replaced and released while a worker thread runs.
#include "sixin4/datapath/watchers.hpp"

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include <gtest/gtest.h>

#include "sixin4/capture/ring.hpp"

#include "../engine/packets.hpp"

namespace sixin4::datapath {
namespace {

using engine::Verdict;

/// A tap with the memory of its ring.
struct Tapped {
  struct alignas(64) Memory {
    std::array<std::uint8_t, 65536> bytes{};
  };
  std::unique_ptr<Memory> memory = std::make_unique<Memory>();
  std::shared_ptr<capture::LiveTap> tap = std::make_shared<capture::LiveTap>(memory->bytes, 1000U);
  capture::RingReader reader{memory->bytes};

  std::size_t read() {
    std::size_t count = 0;
    while (reader.next()) ++count;
    return count;
  }
};

/// A turn with one packet of each kind of event.
void take_turn(Watchers& watchers) {
  const test::Octets packet = test::payload_of(100);
  const wire::Bytes part = packet;
  watchers.begin(engine::Time{std::chrono::seconds{1}});
  watchers.from_tun(1, packet);
  watchers.to_wire(1, {&part, 1}, Verdict::pass);
  watchers.from_tun(3, packet);
  watchers.refused(3, Verdict::too_big);
  watchers.answered(5, packet);
  watchers.from_wire(2, packet);
  watchers.withdrawn(2);
  watchers.from_wire(4, packet);
  watchers.to_tun(4, packet);
  watchers.end();
}

TEST(Watchers, EachTapIsToldUntilItIsReleased) {
  const auto recorder = std::make_shared<capture::Recorder>(64U);
  Watchers watchers{recorder};
  EXPECT_FALSE(watchers.has_taps());
  EXPECT_EQ(&watchers.recorder(), recorder.get());
  Tapped first;
  Tapped second;
  watchers.add(first.tap);
  watchers.add(second.tap);
  EXPECT_TRUE(watchers.has_taps());
  take_turn(watchers);
  EXPECT_EQ(first.read(), 6U);
  EXPECT_EQ(second.read(), 6U);
  EXPECT_EQ(recorder->packets().size(), 4U);

  first.tap.reset();
  take_turn(watchers);
  EXPECT_EQ(first.read(), 0U);
  EXPECT_EQ(second.read(), 6U);
  EXPECT_TRUE(watchers.has_taps());
  second.tap.reset();
  take_turn(watchers);
  EXPECT_FALSE(watchers.has_taps());
  EXPECT_EQ(recorder->packets().size(), 12U);
}

TEST(Watchers, AReleasedTapStaysUntilTheEndOfTheTurn) {
  Watchers watchers{std::make_shared<capture::Recorder>(64U)};
  Tapped tapped;
  watchers.add(tapped.tap);
  watchers.begin(engine::Time{});
  const std::weak_ptr<capture::LiveTap> released = tapped.tap;
  tapped.tap.reset();
  watchers.from_tun(1, test::payload_of(100));
  EXPECT_FALSE(released.expired());
  watchers.end();
  EXPECT_TRUE(released.expired());
  EXPECT_EQ(tapped.read(), 1U);
}

TEST(Watchers, ANewRecorderReplacesTheFormer) {
  const auto former = std::make_shared<capture::Recorder>(64U);
  const auto next = std::make_shared<capture::Recorder>(64U);
  Watchers watchers{former};
  take_turn(watchers);
  watchers.use(next);
  take_turn(watchers);
  take_turn(watchers);
  EXPECT_EQ(former->packets().size(), 4U);
  EXPECT_EQ(next->packets().size(), 8U);
  EXPECT_EQ(former.use_count(), 1);
}

}  // namespace
}  // namespace sixin4::datapath
