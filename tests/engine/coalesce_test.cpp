// Coalescing: what is joined, what is not, and in which order it goes out. What a joined packet has to look
// like, and each of its packets, is libtins' work.
#include "sixin4/engine/coalesce.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "packets.hpp"

namespace sixin4::engine {
namespace {

using namespace test;

constexpr std::uint8_t protocol_tcp = 6;
constexpr std::uint8_t protocol_udp = 17;
constexpr std::uint8_t tcp_syn = 0x02;
constexpr std::uint8_t tcp_rst = 0x04;
constexpr std::uint8_t tcp_urg = 0x20;
constexpr std::uint8_t tcp_ece = 0x40;

struct Written {
  TunFrame frame;
  std::vector<wire::Bytes> parts;
  std::uint32_t packets = 0;
  std::uint32_t wire_bytes = 0;
};

/// Takes one batch of frames in memory of its own.
class Batch {
 public:
  explicit Batch(std::vector<TunFrame> frames, bool joins_udp = true)
      : frames_(std::move(frames)), coalescer_(joins_udp) {
    const auto write = [this](const Coalesced& packet) noexcept {
      written.push_back({.frame = {.offload = packet.packet.offload, .bytes = octets_of(packet.parts)},
                         .parts = {packet.parts.begin(), packet.parts.end()},
                         .packets = packet.packets,
                         .wire_bytes = packet.wire_bytes});
    };
    for (TunFrame& frame : frames_) {
      coalescer_.add({.packet = frame.packet(), .wire_bytes = static_cast<std::uint32_t>(frame.bytes.size())},
                     write);
    }
    written_before_the_end = written.size();
    coalescer_.close_all(write);
  }

  [[nodiscard]] const std::vector<TunFrame>& frames() const { return frames_; }
  /// Of each write, how many packets it was.
  [[nodiscard]] std::vector<std::uint32_t> counts() const {
    std::vector<std::uint32_t> counts;
    for (const Written& each : written) counts.push_back(each.packets);
    return counts;
  }

  std::vector<Written> written;
  std::size_t written_before_the_end = 0;

 private:
  std::vector<TunFrame> frames_;
  Coalescer coalescer_;
};

using Counts = std::vector<std::uint32_t>;

Tcp from_far() {
  return {.source = far_host, .destination = near_host};
}
Udp datagram_from_far(std::size_t payload) {
  return {.payload = payload_of(payload), .source = far_host, .destination = near_host};
}

/// Finished segments of these lengths, each behind the one before; the last has `last_flags`.
std::vector<TunFrame> stream_of(const Tcp& whole, std::initializer_list<std::size_t> lengths,
                                std::uint8_t last_flags = tcp_ack) {
  std::vector<TunFrame> frames;
  Tcp segment = whole;
  auto from = whole.payload.begin();
  for (const std::size_t length : lengths) {
    segment.payload.assign(from, from + static_cast<std::ptrdiff_t>(length));
    from += static_cast<std::ptrdiff_t>(length);
    if (frames.size() + 1 == lengths.size()) segment.flags = last_flags;
    frames.push_back({.bytes = packet_of(segment)});
    segment.sequence += static_cast<std::uint32_t>(length);
    segment.flags = static_cast<std::uint8_t>(segment.flags & ~unsigned{tcp_cwr});
  }
  return frames;
}

Tcp whole_of(std::size_t payload) {
  Tcp whole = from_far();
  whole.payload = payload_of(payload);
  return whole;
}

std::vector<TunFrame> datagrams_of(const Octets& payload, std::initializer_list<std::size_t> lengths) {
  std::vector<TunFrame> frames;
  auto from = payload.begin();
  for (const std::size_t length : lengths) {
    Udp datagram = datagram_from_far(0);
    datagram.payload.assign(from, from + static_cast<std::ptrdiff_t>(length));
    from += static_cast<std::ptrdiff_t>(length);
    frames.push_back({.bytes = packet_of(datagram)});
  }
  return frames;
}

/// All of them went out each by itself, as they came and in that order.
void expect_untouched(const Batch& batch, const std::vector<TunFrame>& frames, const std::string& what = {}) {
  ASSERT_EQ(batch.written.size(), frames.size()) << what;
  for (std::size_t index = 0; index < frames.size(); ++index) {
    EXPECT_EQ(batch.written[index].frame.bytes, frames[index].bytes) << what;
    EXPECT_EQ(batch.written[index].frame.offload, frames[index].offload) << what;
    EXPECT_EQ(batch.written[index].packets, 1U) << what;
  }
}

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

// Segmentation would take PSH and FIN from all segments but the last.
TEST(Coalesce, NothingIsBehindPshOrFin) {
  for (const std::uint8_t ending : {tcp_psh, tcp_fin}) {
    Tcp whole = whole_of(2000);
    std::vector<TunFrame> frames = stream_of(whole, {1000, 1000});
    frames[0].bytes[53] |= ending;
    finish_checksum(frames[0].bytes, 40, 16, protocol_tcp);
    expect_untouched(Batch(frames), frames);
  }
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

// What tcp_gro_receive and ipv6_gro_receive compare.
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

TEST(Coalesce, ALongerPacketBeginsAnew) {
  EXPECT_EQ(Batch(stream_of(whole_of(4001), {1000, 1000, 1001, 1000})).counts(), (Counts{2, 2}));
  EXPECT_EQ(Batch(datagrams_of(payload_of(4001), {1000, 1000, 1001, 1000})).counts(), (Counts{2, 2}));
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

// RFC 8200 §8.1: 0 says that there is none.
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

// In TCP 0 is right where 0xffff is. In UDP it stays "none", whatever the datagram sums up to.
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

// A difference that a right neighbour does not make good.
TEST(Coalesce, AnUnfinishedChecksumMakesNoOtherRight) {
  std::vector<TunFrame> frames = stream_of(whole_of(2000), {1000, 1000});
  unfinish_checksum(frames[0].bytes, 40, 16, protocol_tcp);
  frames[0].offload = {
      .needs_checksum = true, .header_length = 60, .checksum_start = 40, .checksum_offset = 16};
  frames[1].bytes[100] ^= 1;
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

// Nobody knows how large merged segments were: they are to be cut at the size that the first one was given.
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

TEST(Coalesce, ASuperPacketHas64PacketsAtMost) {
  static_assert(max_tun_parts == 64);
  std::vector<TunFrame> frames(70, {.bytes = packet_of(datagram_from_far(500))});
  EXPECT_EQ(Batch(frames).counts(), (Counts{64, 6}));
}

TEST(Coalesce, ASuperPacketIsNoLongerThanAnIpv6PacketCanBe) {
  // 45 segments of 1456 bytes and a header of 20 are 65,540 bytes.
  const Tcp whole = whole_of(1456);
  std::vector<TunFrame> frames;
  Tcp segment = whole;
  for (int count = 0; count < 46; ++count) {
    frames.push_back({.bytes = packet_of(segment)});
    segment.sequence += 1456;
  }
  EXPECT_EQ(Batch(frames).counts(), (Counts{44, 2}));
  // 65,515 = 5 * 13,103 bytes and that header are 65,535.
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
  EXPECT_EQ(batch.written_before_the_end, 2U);  // that of flow 0, and for its return that of flow 1
  ASSERT_EQ(batch.written.size(), Coalescer::max_runs + 2);
  EXPECT_EQ(word_at(batch.written[0].frame.bytes, 40), 0U);
  EXPECT_EQ(batch.written[1].packets, 2U);
  EXPECT_EQ(word_at(batch.written[1].frame.bytes, 40), 1U);
  EXPECT_EQ(word_at(batch.written[2].frame.bytes, 40), 2U);
  EXPECT_EQ(word_at(batch.written.back().frame.bytes, 40), 0U);
}

// A fragment may be of any flow between its addresses.
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
  // Acknowledgements without data of another connection keep nobody waiting.
  put_word(frames[2].bytes, 42, 40001);
  finish_checksum(frames[2].bytes, 40, 16, protocol_tcp);
  EXPECT_EQ(Batch(frames).counts(), (Counts{1, 2}));
}

TEST(Coalesce, DatagramsAreLeftAloneWhereTheDeviceTakesNoSuperPackets) {
  const std::vector<TunFrame> udp = datagrams_of(payload_of(2000), {1000, 1000});
  expect_untouched(Batch(udp, false), udp);
  EXPECT_EQ(Batch(stream_of(whole_of(2000), {1000, 1000}), false).counts(), Counts{2});
}

TEST(Coalesce, SequenceNumbersGoRound) {
  Tcp whole = whole_of(3000);
  whole.sequence = 0xffffffffU - 1500;
  EXPECT_EQ(Batch(stream_of(whole, {1000, 1000, 1000})).counts(), Counts{3});
}

}  // namespace
}  // namespace sixin4::engine
