// Checksums finished by the link: which packets the outbound pump leaves to it.
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include <gtest/gtest.h>
#include <tins/tins.h>

#include "sixin4/engine/outbound_pump.hpp"

#include "memory_ends.hpp"
#include "packets.hpp"

namespace sixin4::engine {
namespace {

using namespace test;

constexpr std::size_t outer_header = 20;

/// Finishes a checksum as a link does: the sum from `start`, and never 0 (RFC 8200 §8.1).
Octets finished_by_link(Octets packet, UnfinishedChecksum checksum) {
  if (checksum.start == 0) return packet;
  const unsigned value = 0xffffU ^ reference_sum(wire::Bytes{packet}.subspan(checksum.start));
  put_word(packet, std::size_t{checksum.start} + checksum.offset, value == 0 ? 0xffffU : value);
  return packet;
}

/// Runs one turn over a link that finishes checksums, or one that does not.
struct Turn {
  Turn(std::vector<TunFrame> frames, bool finishing, const TunnelParameters& parameters = near_parameters()) {
    tun.to_read.assign(frames.begin(), frames.end());
    wire.finishing = finishing;
    const auto pump = std::make_unique<OutboundPump<MemoryTun, MemoryWire>>(tun, wire, counters);
    while (pump->turn(parameters, Time{std::chrono::hours{1}}) == IoStatus::ok) {
    }
  }
  [[nodiscard]] Octets inner(std::size_t index) const {
    const Octets& packet = wire.sent.at(index);
    return {packet.begin() + outer_header, packet.end()};
  }

  MemoryTun tun;
  MemoryWire wire;
  DirectionCounters counters;
};

void expect_the_same_from_both(const TunFrame& frame,
                               const TunnelParameters& parameters = near_parameters()) {
  const Turn link({frame}, true, parameters);
  const Turn software({frame}, false, parameters);
  ASSERT_FALSE(software.wire.sent.empty());
  ASSERT_EQ(link.wire.sent.size(), software.wire.sent.size());
  for (std::size_t index = 0; index < link.wire.sent.size(); ++index) {
    EXPECT_EQ(software.wire.unfinished_sent[index], UnfinishedChecksum{});
    EXPECT_NE(link.wire.unfinished_sent[index], UnfinishedChecksum{});
    EXPECT_EQ(finished_by_link(link.wire.sent[index], link.wire.unfinished_sent[index]),
              software.wire.sent[index])
        << index;
    EXPECT_EQ(software.inner(index), rewritten_by_libtins(software.inner(index))) << index;
  }
  EXPECT_EQ(link.counters.packets.value(), software.counters.packets.value());
  EXPECT_EQ(link.counters.bytes.value(), software.counters.bytes.value());
}

/// A datagram whose checksum computes to 0 over its first `size` bytes of payload.
Udp datagram_with_checksum_0(std::size_t size) {
  Udp fields{.payload = payload_of(size)};
  put_word(fields.payload, 0, 0);
  put_word(fields.payload, 0, word_at(packet_of(fields), ipv6_header + 6));
  return fields;
}

TEST(LinkChecksum, AnUnfinishedPacketLeavesAsItCame) {
  const TunFrame tcp = unfinished(Tcp{.timestamps = true, .payload = payload_of(700)});
  const TunFrame udp = unfinished(Udp{.payload = payload_of(701), .extensions = {options_extension(60, 2)}});
  const Turn turn({tcp, udp}, true);
  ASSERT_EQ(turn.wire.sent.size(), 2U);
  EXPECT_EQ(turn.inner(0), tcp.bytes);
  EXPECT_EQ(turn.inner(1), udp.bytes);
  EXPECT_EQ(turn.wire.unfinished_sent[0], (UnfinishedChecksum{.start = 60, .offset = 16}));
  EXPECT_EQ(turn.wire.unfinished_sent[1], (UnfinishedChecksum{.start = 76, .offset = 6}));
}

TEST(LinkChecksum, AFinishedPacketStaysFinished) {
  const Octets packet = packet_of(Tcp{.payload = payload_of(700)});
  const Turn turn({{.bytes = packet}}, true);
  ASSERT_EQ(turn.wire.sent.size(), 1U);
  EXPECT_EQ(turn.inner(0), packet);
  EXPECT_EQ(turn.wire.unfinished_sent[0], UnfinishedChecksum{});
}

TEST(LinkChecksum, FinishedPacketsAreThoseOfSoftware) {
  for (const std::size_t length : {0U, 1U, 2U, 699U, 1400U}) {
    SCOPED_TRACE(length);
    expect_the_same_from_both(unfinished(Tcp{.payload = payload_of(length)}));
    expect_the_same_from_both(
        unfinished(Tcp{.timestamps = true, .payload = payload_of(length), .traffic_class = 0xb9}));
    expect_the_same_from_both(unfinished(Udp{.payload = payload_of(length)}));
  }
  expect_the_same_from_both(unfinished(datagram_with_checksum_0(64)));
}

TEST(LinkChecksum, FinishedSegmentsAreThoseOfSoftware) {
  constexpr std::uint8_t flags = tcp_ack | tcp_fin | tcp_psh | tcp_cwr;
  expect_the_same_from_both(super_packet(
      Tcp{.sequence = 0xffff0000, .flags = flags, .timestamps = true, .payload = payload_of(65001)}, 1408));
  expect_the_same_from_both(super_packet(
      Tcp{.payload = payload_of(3001), .extensions = {options_extension(0, 1), options_extension(60, 3)}},
      1219));
  expect_the_same_from_both(super_packet(Udp{.payload = payload_of(60003)}, 1432));
  expect_the_same_from_both(super_packet(Udp{.payload = payload_of(900)}, 1432));

  Udp zero = datagram_with_checksum_0(1000);
  zero.payload.insert(zero.payload.end(), {1, 2, 3});
  expect_the_same_from_both(super_packet(zero, 1000));
}

// A SYN may carry more data than fits one segment (RFC 7413).
TEST(LinkChecksum, AnMssThatIsLoweredIsInTheSum) {
  TunnelParameters parameters = near_parameters();
  parameters.mss_clamp = true;
  Tins::TCP syn(443, 40000);
  syn.set_flag(Tins::TCP::SYN, 1);
  syn.mss(8960);
  for (const std::size_t data : {0U, 3000U}) {
    TunFrame frame{.offload = {.needs_checksum = true, .checksum_start = 40, .checksum_offset = 16},
                   .bytes = serialized(near_host, far_host, 0, syn / Tins::RawPDU(payload_of(data)))};
    unfinish_checksum(frame.bytes, ipv6_header, 16, 6);
    if (data != 0) frame.offload.gso = wire::Gso::tcp6;
    if (data != 0) frame.offload.gso_size = 1400;
    expect_the_same_from_both(frame, parameters);
    EXPECT_EQ(word_at(Turn({frame}, false, parameters).inner(0), 62), 1420);
  }
}

// A link sees single fragments.
TEST(LinkChecksum, APacketInFragmentsIsFinishedFirst) {
  TunnelParameters parameters = near_parameters();
  parameters.link_mtu = 576;
  const Tcp one{.payload = payload_of(1300)};
  const Udp many{.payload = payload_of(2900)};
  const Turn turn({unfinished(one), super_packet(many, 1400)}, true, parameters);
  Reassembler far;
  for (const Octets& piece : turn.wire.sent) far.add(piece);
  ASSERT_EQ(far.whole().size(), 4U);
  EXPECT_EQ(far.whole()[0], packet_of(one));
  for (std::size_t index = 1; index < 3; ++index) {
    EXPECT_EQ(far.whole()[index], rewritten_by_libtins(far.whole()[index]));
  }

  // The last segment fits the link.
  EXPECT_EQ(turn.wire.unfinished_sent.back(), (UnfinishedChecksum{.start = 60, .offset = 6}));
  for (std::size_t index = 0; index + 1 < turn.wire.sent.size(); ++index) {
    EXPECT_EQ(turn.wire.unfinished_sent[index], UnfinishedChecksum{}) << index;
  }
  const Octets last = finished_by_link(turn.wire.sent.back(), turn.wire.unfinished_sent.back());
  const Octets inner(last.begin() + outer_header, last.end());
  EXPECT_EQ(inner, rewritten_by_libtins(inner));
}

TEST(LinkChecksum, ThePacketThatJustFitsTheLinkIsLeftToIt) {
  TunnelParameters parameters = near_parameters();
  const TunFrame frame = unfinished(Udp{.payload = payload_of(1200)});
  parameters.link_mtu = static_cast<std::uint16_t>(frame.bytes.size() + outer_header);
  EXPECT_EQ(Turn({frame}, true, parameters).wire.unfinished_sent.at(0).start, 60);
  --parameters.link_mtu;
  const Turn cut({frame}, true, parameters);
  ASSERT_EQ(cut.wire.sent.size(), 2U);
  EXPECT_EQ(cut.wire.unfinished_sent[0], UnfinishedChecksum{});
  EXPECT_EQ(cut.wire.unfinished_sent[1], UnfinishedChecksum{});
}

TEST(LinkChecksum, OffloadDataThatPointsElsewhereIsMalformed) {
  const TunFrame good = unfinished(Tcp{.payload = payload_of(600)});
  const auto size = static_cast<std::uint16_t>(good.bytes.size());
  struct Place {
    std::uint16_t start;
    std::uint16_t offset;
  };
  for (const auto& [start, offset] :
       {Place{39, 17}, Place{0, 56}, Place{40, 5000}, Place{size, 0}, Place{40, 65535}, Place{65535, 65535},
        Place{static_cast<std::uint16_t>(size - 1), 0}}) {
    TunFrame frame = good;
    frame.offload.checksum_start = start;
    frame.offload.checksum_offset = offset;
    const Turn turn({frame, good}, true);
    EXPECT_EQ(turn.counters.dropped(Verdict::malformed), 1U) << start << '+' << offset;
    EXPECT_EQ(turn.wire.sent.size(), 1U) << start << '+' << offset;
  }
}

// The sink may have another socket in the next turn.
TEST(LinkChecksum, TheLinkIsAskedAgainInEveryTurn) {
  MemoryTun tun;
  MemoryWire wire;
  DirectionCounters counters;
  const auto pump = std::make_unique<OutboundPump<MemoryTun, MemoryWire>>(tun, wire, counters);
  for (const bool finishing : {true, false, true}) {
    wire.finishing = finishing;
    wire.unfinished_sent.clear();
    tun.to_read.push_back(unfinished(Tcp{.payload = payload_of(100)}));
    tun.to_read.push_back(super_packet(Tcp{.payload = payload_of(3000)}, 1400));
    pump->turn(near_parameters(), Time{std::chrono::hours{1}});
    ASSERT_EQ(wire.unfinished_sent.size(), 4U);
    for (const UnfinishedChecksum& checksum : wire.unfinished_sent) {
      EXPECT_EQ(checksum.start != 0, finishing);
    }
  }
}

}  // namespace
}  // namespace sixin4::engine
