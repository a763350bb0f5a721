// Coalescing: the packets that are joined, what the joined packet looks like, and the order in which packets
// go out. libtins builds the expected packets.
#include "sixin4/engine/coalesce.hpp"

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <vector>

#include <gtest/gtest.h>

#include "coalescing.hpp"

namespace sixin4::engine {
namespace {

using namespace test_coalescing;

TEST(Coalesce, SegmentsThatContinueEachOtherAreOneSuperPacket) {
  for (const bool timestamps : {false, true}) {
    Tcp whole = whole_of(4300);
    whole.timestamps = timestamps;
    const Batch batch(stream_of(whole, {1000, 1000, 1000, 1000, 300}, tcp_ack | tcp_psh));
    whole.flags = tcp_ack | tcp_psh;
    const TunFrame expected = super_packet(whole, 1000);
    ASSERT_EQ(batch.counts(), Counts{5});
    EXPECT_EQ(batch.written[0].frame.bytes, expected.bytes);
    EXPECT_EQ(batch.written[0].frame.offload, expected.offload);
    EXPECT_EQ(batch.written[0].wire_bytes, 4300U + 5 * headers_of(whole));
  }
}

TEST(Coalesce, DatagramsOfOneSizeAreOneSuperPacket) {
  const Octets payload = payload_of(3200);
  const Batch batch(datagrams_of(payload, {1000, 1000, 1000, 200}));
  const TunFrame expected =
      super_packet(Udp{.payload = payload, .source = far_host, .destination = near_host}, 1000);
  ASSERT_EQ(batch.counts(), Counts{4});
  EXPECT_EQ(batch.written[0].frame.bytes, expected.bytes);
  EXPECT_EQ(batch.written[0].frame.offload, expected.offload);
  EXPECT_EQ(batch.written[0].wire_bytes, 3200U + 4 * 48);
}

TEST(Coalesce, PayloadIsNotCopied) {
  const Batch batch(stream_of(whole_of(3000), {1000, 1000, 1000}));
  ASSERT_EQ(batch.written.size(), 1U);
  const auto& parts = batch.written[0].parts;
  ASSERT_EQ(parts.size(), 3U);
  EXPECT_EQ(parts[0].data(), batch.frames()[0].bytes.data());
  EXPECT_EQ(parts[1].data(), batch.frames()[1].bytes.data() + 60);
  EXPECT_EQ(parts[2].data(), batch.frames()[2].bytes.data() + 60);
}

TEST(Coalesce, APacketThatNothingContinuesGoesOutAsItCame) {
  TunFrame wrong{.bytes = packet_of(whole_of(1000))};
  put_word(wrong.bytes, 56, 0x1234);
  for (const std::vector<TunFrame>& frames :
       {std::vector<TunFrame>{wrong}, stream_of(whole_of(10), {10}), datagrams_of(payload_of(10), {10}),
        std::vector<TunFrame>{unfinished(whole_of(1000))},
        std::vector<TunFrame>{super_packet(whole_of(5000), 1220)}}) {
    expect_untouched(Batch(frames), frames);
  }
}

TEST(Coalesce, WhatEndsARunIsItsLast) {
  const std::initializer_list<std::size_t> lengths{1000, 1000, 1000};
  for (const std::uint8_t ending : {tcp_psh, tcp_fin}) {
    std::vector<TunFrame> frames = stream_of(whole_of(3000), lengths, tcp_ack | ending);
    Tcp next = whole_of(1000);
    next.sequence += 3000;
    frames.push_back({.bytes = packet_of(next)});
    next.sequence += 1000;
    frames.push_back({.bytes = packet_of(next)});
    const Batch batch(frames);
    EXPECT_EQ(batch.counts(), (Counts{3, 2}));
    EXPECT_EQ(batch.written_before_the_end, 1U);
    EXPECT_EQ(batch.written[0].frame.bytes[53], tcp_ack | ending);
    EXPECT_EQ(batch.written[1].frame.bytes[53], tcp_ack);
  }
  EXPECT_EQ(Batch(stream_of(whole_of(3800), {1000, 900, 1000, 900})).counts(), (Counts{2, 2}));
  EXPECT_EQ(Batch(datagrams_of(payload_of(3800), {1000, 900, 1000, 900})).counts(), (Counts{2, 2}));
  EXPECT_EQ(Batch(stream_of(whole_of(3000), lengths, tcp_ack)).counts(), Counts{3});
}

TEST(Coalesce, CwrStaysOnTheFirst) {
  Tcp whole = whole_of(2000);
  whole.flags = tcp_ack | tcp_cwr;
  const Batch batch(stream_of(whole, {1000, 1000}));
  ASSERT_EQ(batch.counts(), Counts{2});
  EXPECT_EQ(batch.written[0].frame.offload, super_packet(whole, 1000).offload);
  EXPECT_EQ(batch.written[0].frame.bytes, super_packet(whole, 1000).bytes);

  const std::vector<TunFrame> on_the_second = stream_of(whole_of(2000), {1000, 1000}, tcp_ack | tcp_cwr);
  expect_untouched(Batch(on_the_second), on_the_second);
}

TEST(Coalesce, ALongerPacketBeginsAnew) {
  EXPECT_EQ(Batch(stream_of(whole_of(4001), {1000, 1000, 1001, 1000})).counts(), (Counts{2, 2}));
  EXPECT_EQ(Batch(datagrams_of(payload_of(4001), {1000, 1000, 1001, 1000})).counts(), (Counts{2, 2}));
}

TEST(Coalesce, UnfinishedChecksumsCountAsRight) {
  const Tcp whole = whole_of(3000);
  const std::vector<TunFrame> finished = stream_of(whole, {1000, 1000, 1000});
  for (unsigned which = 0; which < 8; ++which) {
    std::vector<TunFrame> frames = finished;
    for (std::size_t index = 0; index < frames.size(); ++index) {
      if ((which >> index & 1U) == 0) continue;
      unfinish_checksum(frames[index].bytes, 40, 16, protocol_tcp);
      frames[index].offload = {
          .needs_checksum = true, .header_length = 60, .checksum_start = 40, .checksum_offset = 16};
    }
    const Batch batch(frames);
    ASSERT_EQ(batch.counts(), Counts{3}) << which;
    EXPECT_EQ(batch.written[0].frame.bytes, super_packet(whole, 1000).bytes) << which;
    EXPECT_EQ(batch.written[0].frame.offload, super_packet(whole, 1000).offload) << which;
  }
}

// A wrong checksum beside a right one.
TEST(Coalesce, AnUnfinishedChecksumMakesNoOtherRight) {
  std::vector<TunFrame> frames = stream_of(whole_of(2000), {1000, 1000});
  unfinish_checksum(frames[0].bytes, 40, 16, protocol_tcp);
  frames[0].offload = {
      .needs_checksum = true, .header_length = 60, .checksum_start = 40, .checksum_offset = 16};
  frames[1].bytes[100] ^= 1;
  expect_untouched(Batch(frames), frames);
}

// The size of merged segments is unknown, so the whole is cut at the size of the first.
TEST(Coalesce, MergedSegmentsAreJoinedWithWhateverContinuesThem) {
  for (const bool both : {false, true}) {
    std::vector<TunFrame> frames = stream_of(whole_of(2500), {1000, 1500});
    frames[0] = super_packet(whole_of(1000), 500);
    Tcp second = whole_of(1500);
    second.sequence += 1000;
    if (both) frames[1] = super_packet(second, 400);
    const Batch batch(frames);
    ASSERT_EQ(batch.written.size(), 1U) << both;
    const auto& written = batch.written[0].frame;
    EXPECT_EQ(written.offload, super_packet(whole_of(2500), 500).offload) << both;
    EXPECT_EQ(written.bytes.size(), ipv6_header + 20 + 2500) << both;
    EXPECT_EQ(batch.written[0].packets, 2U) << both;
  }
}

TEST(Coalesce, ASuperPacketHas64PacketsAtMost) {
  static_assert(max_tun_parts == 64);
  std::vector<TunFrame> frames(70, {.bytes = packet_of(datagram_from_far(500))});
  EXPECT_EQ(Batch(frames).counts(), (Counts{64, 6}));
}

TEST(Coalesce, ASuperPacketIsNoLongerThanAnIpv6PacketCanBe) {
  // 45 segments of 1456 bytes and a header of 20 bytes are 65,540 bytes.
  const Tcp whole = whole_of(1456);
  std::vector<TunFrame> frames;
  Tcp segment = whole;
  for (int count = 0; count < 46; ++count) {
    frames.push_back({.bytes = packet_of(segment)});
    segment.sequence += 1456;
  }
  EXPECT_EQ(Batch(frames).counts(), (Counts{44, 2}));
  // 5 * 13,103 = 65,515 bytes and the header of 20 bytes are 65,535.
  EXPECT_EQ(Batch(stream_of(whole_of(65515), {13103, 13103, 13103, 13103, 13103})).counts(), Counts{5});
  EXPECT_EQ(Batch(stream_of(whole_of(65516), {16379, 16379, 16379, 16379})).counts(), (Counts{3, 1}));
}

TEST(Coalesce, RunsOfSeveralFlowsAreOpenAtOnceAndWrittenAsTheyBegan) {
  std::vector<TunFrame> frames;
  const std::vector<TunFrame> tcp = stream_of(whole_of(2000), {1000, 1000});
  const std::vector<TunFrame> udp = datagrams_of(payload_of(2000), {1000, 1000});
  for (const std::size_t index : {0U, 1U}) {
    frames.push_back(tcp[index]);
    frames.push_back(udp[index]);
  }
  const Batch batch(frames);
  ASSERT_EQ(batch.counts(), (Counts{2, 2}));
  EXPECT_EQ(batch.written_before_the_end, 0U);
  EXPECT_EQ(batch.written[0].frame.offload.gso, wire::Gso::tcp6);
  EXPECT_EQ(batch.written[1].frame.offload.gso, wire::Gso::udp);
}

TEST(Coalesce, TheOldestRunMakesRoom) {
  const auto datagram = [](std::size_t flow) {
    TunFrame frame{.bytes = packet_of(datagram_from_far(100))};
    put_word(frame.bytes, 40, flow);
    finish_checksum(frame.bytes, 40, 6, protocol_udp);
    return frame;
  };
  std::vector<TunFrame> frames;
  for (std::size_t flow = 0; flow <= Coalescer::max_runs; ++flow) frames.push_back(datagram(flow));
  frames.push_back(datagram(1));
  frames.push_back(datagram(0));
  const Batch batch(frames);
  EXPECT_EQ(batch.written_before_the_end, 2U);  // the run of flow 0, then that of flow 1 when flow 0 returns
  ASSERT_EQ(batch.written.size(), Coalescer::max_runs + 2);
  EXPECT_EQ(word_at(batch.written[0].frame.bytes, 40), 0U);
  EXPECT_EQ(batch.written[1].packets, 2U);
  EXPECT_EQ(word_at(batch.written[1].frame.bytes, 40), 1U);
  EXPECT_EQ(word_at(batch.written[2].frame.bytes, 40), 2U);
  EXPECT_EQ(word_at(batch.written.back().frame.bytes, 40), 0U);
}

// A fragment may belong to any flow between its addresses.
TEST(Coalesce, WhatTellsNoFlowOvertakesNothingBetweenItsAddresses) {
  Udp fragment = datagram_from_far(800);
  fragment.extensions = {fragment_extension(0, true)};
  const Octets echo = serialized(far_host, near_host, 0, Tins::ICMPv6(Tins::ICMPv6::ECHO_REQUEST));
  for (const Octets& between : {packet_of(fragment), echo}) {
    std::vector<TunFrame> frames = stream_of(whole_of(3000), {1000, 1000, 1000});
    frames.insert(frames.begin() + 2, {.bytes = between});
    const Batch batch(frames);
    ASSERT_EQ(batch.counts(), (Counts{2, 1, 1}));
    EXPECT_EQ(batch.written[1].frame.bytes, between);
  }
  Octets elsewhere = echo;
  elsewhere[39] ^= 1;
  std::vector<TunFrame> frames = stream_of(whole_of(3000), {1000, 1000, 1000});
  frames.insert(frames.begin() + 2, {.bytes = elsewhere});
  EXPECT_EQ(Batch(frames).counts(), (Counts{1, 3}));
}

TEST(Coalesce, NothingOvertakesWithinAFlow) {
  std::vector<TunFrame> frames = stream_of(whole_of(2000), {1000, 1000});
  Tcp reset = from_far();
  reset.sequence += 2000;
  reset.flags = tcp_rst;
  frames.push_back({.bytes = packet_of(reset)});
  EXPECT_EQ(Batch(frames).counts(), (Counts{2, 1}));
  // An acknowledgement of another connection does not close the run.
  put_word(frames[2].bytes, 42, 40001);
  finish_checksum(frames[2].bytes, 40, 16, protocol_tcp);
  EXPECT_EQ(Batch(frames).counts(), (Counts{1, 2}));
}

TEST(Coalesce, SequenceNumbersGoRound) {
  Tcp whole = whole_of(3000);
  whole.sequence = 0xffffffffU - 1500;
  EXPECT_EQ(Batch(stream_of(whole, {1000, 1000, 1000})).counts(), Counts{3});
}

}  // namespace
}  // namespace sixin4::engine
