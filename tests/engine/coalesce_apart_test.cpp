// Coalescing: the packets that are not joined, and leave as they came.
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "sixin4/engine/coalesce.hpp"

#include "coalescing.hpp"

namespace sixin4::engine {
namespace {

using namespace test_coalescing;

// Segmentation clears PSH and FIN in all segments but the last.
TEST(Coalesce, NothingIsBehindPshOrFin) {
  for (const std::uint8_t ending : {tcp_psh, tcp_fin}) {
    Tcp whole = whole_of(2000);
    std::vector<TunFrame> frames = stream_of(whole, {1000, 1000});
    frames[0].bytes[53] |= ending;
    finish_checksum(frames[0].bytes, 40, 16, protocol_tcp);
    expect_untouched(Batch(frames), frames);
  }
}

// The fields that tcp_gro_receive and ipv6_gro_receive compare.
TEST(Coalesce, ASegmentThatDiffersIsNotJoined) {
  Tcp whole = whole_of(2000);
  whole.timestamps = true;
  const std::vector<TunFrame> frames = stream_of(whole, {1000, 1000});
  ASSERT_EQ(Batch(frames).counts(), Counts{2});
  const std::initializer_list<std::pair<const char*, std::pair<std::size_t, unsigned>>> changes{
      {"traffic class", {1, 0x10}},  {"flow label", {3, 1}},       {"hop limit", {7, 1}},
      {"source", {23, 1}},           {"destination", {39, 1}},     {"source port", {41, 1}},
      {"destination port", {43, 1}}, {"sequence number", {47, 1}}, {"sequence number", {44, 0x80}},
      {"acknowledgement", {51, 1}},  {"reserved bits", {52, 1}},   {"window", {55, 1}},
      {"urgent pointer", {59, 1}},   {"time stamp", {67, 1}},      {"its echo", {71, 1}},
      {"SYN", {53, tcp_syn}},        {"RST", {53, tcp_rst}},       {"URG", {53, tcp_urg}},
      {"ECE", {53, tcp_ece}},        {"CWR", {53, tcp_cwr}},       {"no ACK", {53, tcp_ack}}};
  for (const auto& [what, change] : changes) {
    for (const std::size_t changed : {0U, 1U}) {
      if (std::string{what} == "CWR" && changed == 0) continue;
      std::vector<TunFrame> differing = frames;
      differing[changed].bytes[change.first] ^= static_cast<std::uint8_t>(change.second);
      finish_checksum(differing[changed].bytes, 40, 16, protocol_tcp);
      expect_untouched(Batch(differing), differing, what);
    }
  }
}

TEST(Coalesce, FlagsThatTellMoreThanAStreamAreNeverJoined) {
  for (const std::uint8_t flag : {tcp_syn, tcp_rst, tcp_urg}) {
    Tcp whole = whole_of(2000);
    whole.flags = tcp_ack | flag;
    const auto frames = stream_of(whole, {1000, 1000}, whole.flags);
    expect_untouched(Batch(frames), frames);
  }
}

TEST(Coalesce, ADatagramThatDiffersIsNotJoined) {
  const std::vector<TunFrame> frames = datagrams_of(payload_of(2000), {1000, 1000});
  for (const std::size_t octet : {1U, 3U, 7U, 23U, 39U, 41U, 43U}) {
    std::vector<TunFrame> differing = frames;
    differing[1].bytes[octet] ^= 0x10;
    finish_checksum(differing[1].bytes, 40, 6, protocol_udp);
    expect_untouched(Batch(differing), differing, std::to_string(octet));
  }
}

TEST(Coalesce, OptionsOfAnotherLengthAreNotJoined) {
  Tcp first = whole_of(1000);
  Tcp second = first;
  second.sequence += 1000;
  second.timestamps = true;
  const std::vector<TunFrame> frames{{.bytes = packet_of(first)}, {.bytes = packet_of(second)}};
  expect_untouched(Batch(frames), frames);
}

TEST(Coalesce, NothingIsJoinedToAnEmptyPacket) {
  for (const std::vector<TunFrame>& frames :
       {stream_of(whole_of(0), {0, 0, 0}), datagrams_of({}, {0, 0, 0}), stream_of(whole_of(9), {9, 0, 0}),
        datagrams_of(payload_of(9), {9, 0, 0})}) {
    expect_untouched(Batch(frames), frames);
  }
}

TEST(Coalesce, AWrongChecksumStaysWrongAndAlone) {
  const std::vector<TunFrame> tcp = stream_of(whole_of(5000), {1000, 1000, 1000, 1000, 1000});
  const std::vector<TunFrame> udp = datagrams_of(payload_of(5000), {1000, 1000, 1000, 1000, 1000});
  const Counts expected[] = {{1, 4}, {1, 1, 3}, {2, 1, 2}, {3, 1, 1}, {4, 1}};
  for (const auto& [frames, checksum] :
       {std::pair{tcp, ipv6_header + 16U}, std::pair{udp, ipv6_header + 6U}}) {
    for (std::size_t wrong = 0; wrong < frames.size(); ++wrong) {
      for (const std::size_t at : {checksum, std::size_t{100}, frames[wrong].bytes.size() - 1}) {
        std::vector<TunFrame> batch = frames;
        batch[wrong].bytes[at] ^= 0x40;
        const Batch result(batch);
        ASSERT_EQ(result.counts(), expected[wrong]) << "packet " << wrong << ", octet " << at;
        std::size_t before = 0;
        for (const Written& each : result.written) {
          if (before == wrong) {
            EXPECT_EQ(each.frame.bytes, batch[wrong].bytes);
            EXPECT_EQ(each.frame.offload, wire::VnetHeader{});
          }
          before += each.packets;
        }
      }
    }
  }
}

// RFC 8200 §8.1: 0 means "no checksum".
TEST(Coalesce, ADatagramWithoutChecksumIsNotJoined) {
  const std::vector<TunFrame> frames = datagrams_of(payload_of(3000), {1000, 1000, 1000});
  for (std::size_t without = 0; without < frames.size(); ++without) {
    std::vector<TunFrame> batch = frames;
    put_word(batch[without].bytes, 46, 0);
    const Batch result(batch);
    EXPECT_GE(result.written.size(), 2U);
    std::size_t before = 0;
    for (const Written& each : result.written) {
      if (before == without) {
        EXPECT_EQ(each.frame.bytes, batch[without].bytes);
        EXPECT_EQ(each.frame.offload, wire::VnetHeader{});
      }
      before += each.packets;
    }
    EXPECT_EQ(before, 3U);
  }
}

// In TCP the checksum 0 is as right as 0xffff. In UDP it means "no checksum".
TEST(Coalesce, AChecksumFieldOf0IsKept) {
  for (auto [frames, field] : {std::pair{stream_of(whole_of(2000), {1000, 1000}), ipv6_header + 16U},
                               std::pair{datagrams_of(payload_of(2000), {1000, 1000}), ipv6_header + 6U}}) {
    for (TunFrame& frame : frames) {  // the checksum moves into the payload
      const std::uint32_t word = std::uint32_t{word_at(frame.bytes, 100)} + word_at(frame.bytes, field);
      put_word(frame.bytes, 100, (word & 0xffffU) + (word >> 16U));
      put_word(frame.bytes, field, 0);
    }
    expect_untouched(Batch(frames), frames);
  }
}

TEST(Coalesce, ADatagramWhoseLengthsDisagreeIsNotJoined) {
  std::vector<TunFrame> frames = datagrams_of(payload_of(2000), {1000, 1000});
  for (TunFrame& frame : frames) {
    put_word(frame.bytes, 44, 1007);
    finish_checksum(frame.bytes, 40, 6, protocol_udp);
  }
  expect_untouched(Batch(frames), frames);
}

TEST(Coalesce, WhatIsUnfinishedElsewhereIsNotJoined) {
  std::vector<TunFrame> frames = stream_of(whole_of(2000), {1000, 1000});
  for (TunFrame& frame : frames) {
    frame.offload = {
        .needs_checksum = true, .header_length = 60, .checksum_start = 48, .checksum_offset = 16};
  }
  expect_untouched(Batch(frames), frames);
}

TEST(Coalesce, MergedSegmentsDoNotContinueThoseOfAKnownSize) {
  std::vector<TunFrame> frames = stream_of(whole_of(2000), {1000, 1000});
  Tcp second = whole_of(1000);
  second.sequence += 1000;
  frames[1] = super_packet(second, 500);
  expect_untouched(Batch(frames), frames);
}

TEST(Coalesce, ExtensionHeadersAreNotJoined) {
  Tcp first = whole_of(1000);
  first.extensions = {options_extension(60, 1)};
  Tcp second = first;
  second.sequence += 1000;
  const std::vector<TunFrame> frames{{.bytes = packet_of(first)}, {.bytes = packet_of(second)}};
  expect_untouched(Batch(frames), frames);
}

TEST(Coalesce, ATruncatedHeaderIsNotJoined) {
  TunFrame frame{.bytes = packet_of(whole_of(0))};
  for (const std::size_t length : {0U, 4U, 19U}) {
    frame.bytes.resize(ipv6_header + length);
    put_word(frame.bytes, 4, length);
    expect_untouched(Batch({frame, frame}), {frame, frame});
  }
  TunFrame beyond{.bytes = packet_of(whole_of(8))};
  beyond.bytes[52] = 0xf0;  // a header of 60 bytes in 28
  expect_untouched(Batch({beyond, beyond}), {beyond, beyond});
  beyond.bytes[52] = 0x40;  // one of 16
  expect_untouched(Batch({beyond, beyond}), {beyond, beyond});
}

TEST(Coalesce, DatagramsAreLeftAloneWhereTheDeviceTakesNoSuperPackets) {
  const std::vector<TunFrame> udp = datagrams_of(payload_of(2000), {1000, 1000});
  expect_untouched(Batch(udp, false), udp);
  EXPECT_EQ(Batch(stream_of(whole_of(2000), {1000, 1000}), false).counts(), Counts{2});
}

}  // namespace
}  // namespace sixin4::engine
