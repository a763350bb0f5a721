// The flight recorder: which packets it keeps, and that a concurrent reader never gets a mixture of two
// packets.
#include "sixin4/capture/recorder.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <span>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

namespace sixin4::capture {
namespace {

using engine::Verdict;
using Octets = std::vector<std::uint8_t>;

constexpr engine::Time now{std::chrono::hours{1}};

Octets filled(std::size_t size, std::uint64_t with) {
  return Octets(size, static_cast<std::uint8_t>(with));
}

std::vector<engine::PacketId> ids_of(const Recorder& recorder) {
  std::vector<engine::PacketId> ids;
  for (const Recorded& packet : recorder.packets()) ids.push_back(packet.seen.id);
  return ids;
}

TEST(Recorder, KeepsWhatIsKnownOfAPacket) {
  Recorder recorder{16};
  recorder.begin(now);
  recorder.from_tun(7, filled(1280, 0xab));
  recorder.begin(now + std::chrono::nanoseconds{5});
  recorder.from_wire(8, filled(50, 0xcd));
  const auto packets = recorder.packets();
  ASSERT_EQ(packets.size(), 2U);
  const SeenPacket out = packets[0].view();
  EXPECT_EQ(out.id, 7U);
  EXPECT_EQ(out.time, now);
  EXPECT_EQ(out.form, Form::inner);
  EXPECT_EQ(out.direction, engine::Direction::out);
  EXPECT_EQ(out.verdict, Verdict::pass);
  EXPECT_EQ(out.length, 1280U);
  EXPECT_EQ(Octets(out.bytes.begin(), out.bytes.end()), filled(Recorded::most_bytes, 0xab));
  const SeenPacket in = packets[1].view();
  EXPECT_EQ(in.time, now + std::chrono::nanoseconds{5});
  EXPECT_EQ(in.form, Form::outer);
  EXPECT_EQ(in.direction, engine::Direction::in);
  EXPECT_EQ(in.length, 50U);
  EXPECT_EQ(Octets(in.bytes.begin(), in.bytes.end()), filled(50, 0xcd)) << "all of a short one";
}

TEST(Recorder, KeepsTheFirstBytesOfPacketsOfAnyLength) {
  Recorder recorder{256};
  Octets bytes(130);
  std::iota(bytes.begin(), bytes.end(), std::uint8_t{1});
  for (std::size_t size = 0; size <= bytes.size(); ++size)
    recorder.from_tun(size, wire::Bytes{bytes}.first(size));
  const auto packets = recorder.packets();
  ASSERT_EQ(packets.size(), bytes.size() + 1);
  for (std::size_t size = 0; size <= bytes.size(); ++size) {
    const wire::Bytes kept = packets[size].view().bytes;
    EXPECT_EQ(
        Octets(kept.begin(), kept.end()),
        Octets(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(std::min<std::size_t>(size, 96))));
    EXPECT_EQ(packets[size].seen.length, size);
  }
}

TEST(Recorder, KeepsTheLastOnesInTheirOrder) {
  Recorder recorder{4};
  EXPECT_TRUE(recorder.packets().empty());
  for (engine::PacketId id = 1; id <= 3; ++id) recorder.from_tun(id, filled(40, id));
  EXPECT_EQ(ids_of(recorder), (std::vector<engine::PacketId>{1, 2, 3}));
  for (engine::PacketId id = 4; id <= 10; ++id) recorder.from_tun(id, filled(40, id));
  EXPECT_EQ(ids_of(recorder), (std::vector<engine::PacketId>{7, 8, 9, 10}));
  Recorder of_five{5};
  for (engine::PacketId id = 1; id <= 10; ++id) of_five.from_tun(id, filled(40, id));
  EXPECT_EQ(ids_of(of_five).size(), 8U) << "rounded up";
}

TEST(Recorder, OfNoPacketsItKeepsNone) {
  Recorder recorder{0};
  recorder.from_tun(1, filled(40, 1));
  recorder.refused(1, Verdict::too_big);
  recorder.withdrawn(1);
  EXPECT_TRUE(recorder.packets().empty());
}

TEST(Recorder, ARefusalFindsItsPacket) {
  Recorder recorder{256};
  recorder.refused(9, Verdict::too_big);
  for (engine::PacketId id = 1; id <= 100; ++id) recorder.from_tun(id, filled(60, id));
  recorder.refused(100, Verdict::too_big);
  recorder.refused(30, Verdict::tun_full);
  recorder.refused(4711, Verdict::loop);
  for (const Recorded& packet : recorder.packets()) {
    const Verdict expected = packet.seen.id == 100  ? Verdict::too_big
                             : packet.seen.id == 30 ? Verdict::tun_full
                                                    : Verdict::pass;
    EXPECT_EQ(packet.seen.verdict, expected) << packet.seen.id;
    EXPECT_EQ(packet.seen.length, 60U);
  }
}

TEST(Recorder, WhatIsWithdrawnIsGone) {
  Recorder recorder{4};
  for (engine::PacketId id = 1; id <= 3; ++id) recorder.from_wire(id, filled(60, id));
  recorder.withdrawn(2);
  EXPECT_EQ(ids_of(recorder), (std::vector<engine::PacketId>{1, 2, 3})) << "not the last one";
  recorder.withdrawn(3);
  EXPECT_EQ(ids_of(recorder), (std::vector<engine::PacketId>{1, 2}));
  recorder.from_wire(4, filled(60, 4));
  recorder.from_wire(5, filled(60, 5));
  EXPECT_EQ(ids_of(recorder), (std::vector<engine::PacketId>{1, 2, 4, 5}));
}

TEST(Recorder, WhatHasLeftIsToldOnceWhatTheWireRefusesTwice) {
  Recorder recorder{16};
  const Octets head = filled(20, 1);
  const Octets body = filled(200, 2);
  const std::array<wire::Bytes, 2> parts{head, body};
  recorder.from_tun(1, body);
  recorder.to_wire(1, parts, Verdict::pass);
  recorder.from_tun(2, body);
  recorder.to_wire(2, parts, Verdict::wire_full);
  recorder.to_tun(3, body);
  recorder.answered(4, body);
  const auto packets = recorder.packets();
  ASSERT_EQ(ids_of(recorder), (std::vector<engine::PacketId>{1, 2, 2, 4}));
  EXPECT_EQ(packets[2].seen.form, Form::outer);
  EXPECT_EQ(packets[2].seen.verdict, Verdict::wire_full);
  EXPECT_EQ(packets[2].seen.length, 220U);
  EXPECT_EQ(packets[2].view().bytes[19], 1U);
  EXPECT_EQ(packets[2].view().bytes[20], 2U);
  EXPECT_EQ(packets[3].seen.direction, engine::Direction::in) << "an error of ours goes to the host";
}

TEST(Recorder, OfAPacketOfWhichOnlyTheBeginningCameTheHeaderTellsTheLength) {
  Recorder recorder{4};
  Octets packet = filled(128, 1);
  packet[0] = 0x45;
  packet[2] = 1;  // length field: a little more than 256
  packet[3] = 5;
  recorder.from_wire(1, packet);
  packet[2] = 0;
  recorder.from_wire(2, packet);
  const auto packets = recorder.packets();
  ASSERT_EQ(packets.size(), 2U);
  EXPECT_EQ(packets[0].seen.length, 261U);
  EXPECT_EQ(packets[1].seen.length, 128U) << "as it is with merged ones";
}

TEST(Recorder, AReaderBesideTheWriterSeesWholePacketsInOrder) {
  Recorder recorder{64};
  constexpr engine::PacketId last = 200000;
  std::atomic<bool> begun = false;
  std::jthread writer{[&recorder, &begun] {
    while (!begun) std::this_thread::yield();
    for (engine::PacketId id = 1; id <= last; ++id) {
      recorder.begin(engine::Time{engine::Time::duration{static_cast<std::int64_t>(id)}});
      recorder.from_wire(id, filled(96, id));
      if (id % 3 == 0) recorder.refused(id, Verdict::inner_malformed);
      if (id % 7 == 0) recorder.withdrawn(id);
    }
  }};
  std::size_t in_the_middle = 0;
  engine::PacketId newest = 0;
  while (newest < last) {
    const auto packets = recorder.packets();
    begun = true;
    EXPECT_LE(packets.size(), 64U);
    engine::PacketId former = 0;
    for (const Recorded& packet : packets) {
      const engine::PacketId id = packet.seen.id;
      ASSERT_GT(id, former);
      ASSERT_EQ(packet.seen.time.time_since_epoch().count(), static_cast<std::int64_t>(id));
      ASSERT_TRUE(std::ranges::all_of(
          packet.view().bytes, [id](std::uint8_t byte) { return byte == static_cast<std::uint8_t>(id); }));
      former = id;
    }
    newest = std::max(newest, former);
    if (newest != 0 && newest < last) ++in_the_middle;
  }
  EXPECT_GT(in_the_middle, 0U) << "the writer was done before the reader had looked";
}

}  // namespace
}  // namespace sixin4::capture
