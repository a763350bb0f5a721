// Outbound: which packets may leave, and checksums left to us.
#include "sixin4/engine/outbound.hpp"

#include <cstddef>
#include <cstdint>

#include <gtest/gtest.h>

#include "packets.hpp"

namespace sixin4::engine {
namespace {

using namespace test;

Verdict judged(TunPacket& packet, const TunnelParameters& parameters = near_parameters()) {
  std::optional<Segments> segments;
  const Verdict verdict = judge_outbound(parameters, packet, segments, {});
  const bool super_packet_passes = verdict == Verdict::pass && packet.offload.gso != wire::Gso::none;
  if (super_packet_passes) {
    EXPECT_TRUE(segments.has_value());
  }
  return verdict;
}
Verdict judged(TunFrame& frame, const TunnelParameters& parameters = near_parameters()) {
  TunPacket packet = frame.packet();
  return judged(packet, parameters);
}
Verdict judged(TunFrame&& frame, const TunnelParameters& parameters = near_parameters()) {
  return judged(frame, parameters);
}

/// A packet of exactly `length` bytes.
TunFrame of_length(std::size_t length) {
  return {.bytes = packet_of(Udp{.payload = payload_of(length - ipv6_header - udp_header)})};
}

Octets our_outer_packet() {
  return outer_packet(packet_of(Udp{.payload = payload_of(30)}),
                      {.source = "192.0.2.1", .destination = "198.51.100.2"});
}

/// `inner` in IPv6 as in RFC 2473.
Octets in_ipv6(const Octets& inner, const std::vector<Extension>& extensions = {}) {
  Octets packet = serialized(near_host, far_host, 0, Tins::RawPDU(inner));
  packet[6] = 4;
  return with_extensions(packet, extensions);
}

TEST(JudgeOutbound, NothingLeavesWhileTheRouteLeadsIntoTheTunnel) {
  TunnelParameters parameters = near_parameters();
  parameters.loops = true;
  Octets inner = packet_of(Udp{.payload = payload_of(10)});
  TunPacket packet{.offload = {}, .bytes = inner};
  EXPECT_EQ(judged(packet, parameters), Verdict::loop);
}

TEST(Outbound, AnIpv6PacketPasses) {
  EXPECT_EQ(judged({.bytes = packet_of(Tcp{.payload = payload_of(100)})}), Verdict::pass);
  EXPECT_EQ(judged({.bytes = packet_of(Udp{.payload = payload_of(0)})}), Verdict::pass);
}

TEST(Outbound, APassedPacketIsNotChanged) {
  TunFrame frame{.bytes = packet_of(Tcp{.payload = payload_of(100)})};
  const Octets before = frame.bytes;
  EXPECT_EQ(judged(frame), Verdict::pass);
  EXPECT_EQ(frame.bytes, before);
}

TEST(Outbound, WhatIsNotIpv6IsRefused) {
  EXPECT_EQ(judged({}), Verdict::not_ipv6);
  EXPECT_EQ(judged({.bytes = Octets(60, 0)}), Verdict::not_ipv6);
  EXPECT_EQ(judged({.bytes = Octets(60, 0x5f)}), Verdict::not_ipv6);
  EXPECT_EQ(judged({.bytes = (Tins::IP("203.0.113.1", "192.0.2.1") / Tins::UDP(1, 2)).serialize()}),
            Verdict::not_ipv6);
}

TEST(Outbound, AnIpv6PacketCutAtAnyByteIsMalformed) {
  const Octets whole = packet_of(Udp{.payload = payload_of(20)});
  for (std::size_t length = 1; length < whole.size(); ++length) {
    EXPECT_EQ(judged({.bytes = Octets(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(length))}),
              Verdict::malformed)
        << length;
  }
}

TEST(Outbound, ASuperPacketThatContradictsItselfIsMalformed) {
  TunFrame frame = super_packet(Tcp{.payload = payload_of(3000)}, 1000);
  EXPECT_EQ(judged(frame), Verdict::pass);
  frame.offload.gso_size = 0;
  EXPECT_EQ(judged(frame), Verdict::malformed);
}

// RFC 4213 §3.5: the outer packet ends with the inner one.
TEST(Outbound, BytesBehindThePacketAreCut) {
  TunFrame frame{.bytes = packet_of(Udp{.payload = payload_of(100)})};
  const Octets whole = frame.bytes;
  frame.bytes.insert(frame.bytes.end(), 33, 0xaa);
  TunPacket packet = frame.packet();
  EXPECT_EQ(judged(packet, near_parameters()), Verdict::pass);
  EXPECT_EQ(octets_of(packet.bytes), whole);
}

TEST(Outbound, ThePacketAsLargeAsTheTunnelMtuPasses) {
  TunnelParameters parameters = near_parameters();
  for (const std::uint16_t mtu : {std::uint16_t{1280}, std::uint16_t{1480}, std::uint16_t{65515}}) {
    parameters.mtu = mtu;
    EXPECT_EQ(judged(of_length(mtu), parameters), Verdict::pass) << mtu;
    EXPECT_EQ(judged(of_length(mtu + 1U), parameters), Verdict::too_big) << mtu;
  }
}

TEST(Outbound, PaddingDoesNotMakeAPacketTooBig) {
  TunFrame frame = of_length(1480);
  frame.bytes.push_back(0);
  EXPECT_EQ(judged(frame), Verdict::pass);
}

TEST(Outbound, ASuperPacketIsMeasuredByItsLargestSegment) {
  const Tcp large{.payload = payload_of(60000)};
  EXPECT_EQ(judged(super_packet(large, 1420)), Verdict::pass);
  EXPECT_EQ(judged(super_packet(large, 1421)), Verdict::too_big);
  EXPECT_EQ(judged(super_packet(Tcp{.payload = payload_of(1420)}, 9000)), Verdict::pass);
  EXPECT_EQ(judged(super_packet(Udp{.payload = payload_of(9000)}, 1432)), Verdict::pass);
  EXPECT_EQ(judged(super_packet(Udp{.payload = payload_of(9000)}, 1433)), Verdict::too_big);
}

TEST(Outbound, AForeignSourceIsRefusedUnlessTheFilterIsOff) {
  TunFrame frame{.bytes = packet_of(Udp{.source = far_host, .destination = near_host})};
  TunPacket packet = frame.packet();
  TunnelParameters parameters = near_parameters();
  EXPECT_EQ(judged(packet, parameters), Verdict::source_not_ours);
  parameters.egress_filter = false;
  EXPECT_EQ(judged(packet, parameters), Verdict::pass);
}

TEST(Outbound, AForeignSourceIsToldOfTheFilterBeforeTheMtu) {
  TunFrame frame{.bytes = packet_of(Udp{.payload = payload_of(3000), .source = far_host})};
  TunPacket packet = frame.packet();
  EXPECT_EQ(judged(packet, near_parameters()), Verdict::source_not_ours);
}

TEST(Outbound, OurOwnOuterPacketIsALoop) {
  EXPECT_EQ(judged({.bytes = our_outer_packet()}), Verdict::loop);
}

TEST(Outbound, OurOwnOuterPacketInsideIpv6IsALoop) {
  EXPECT_EQ(judged({.bytes = in_ipv6(our_outer_packet())}), Verdict::loop);
  EXPECT_EQ(judged({.bytes = in_ipv6(our_outer_packet(), {options_extension(60, 1)})}), Verdict::loop);
}

// A loop adds a header each round: it must be found before the packet is answered as too big.
TEST(Outbound, ALoopIsALoopHoweverLarge) {
  const Octets outer = outer_packet(packet_of(Udp{.payload = payload_of(1432)}),
                                    {.source = "192.0.2.1", .destination = "198.51.100.2"});
  EXPECT_EQ(judged({.bytes = in_ipv6(outer)}), Verdict::loop);
}

TEST(Outbound, PacketsOfOtherTunnelsAreNoLoop) {
  const Octets inner = packet_of(Udp{.payload = payload_of(30)});
  const Octets backwards = outer_packet(inner);  // from the far end
  const Octets to_another = outer_packet(inner, {.source = "192.0.2.1", .destination = "198.51.100.3"});
  const Octets from_another = outer_packet(inner, {.source = "192.0.2.9", .destination = "198.51.100.2"});
  const Octets not_41 =
      outer_packet(inner, {.source = "192.0.2.1", .destination = "198.51.100.2", .protocol = 17});
  for (const auto& outer : {backwards, to_another, from_another, not_41}) {
    EXPECT_EQ(judged({.bytes = outer}), Verdict::not_ipv6);
    EXPECT_EQ(judged({.bytes = in_ipv6(outer)}), Verdict::pass);
  }
}

TEST(Outbound, OnlyTheStartOfAnInnerIpv4PacketIsReadAsOne) {
  EXPECT_EQ(judged({.bytes = in_ipv6(our_outer_packet(), {fragment_extension(8, false)})}), Verdict::pass);
  Octets cut = our_outer_packet();
  cut.resize(19);
  EXPECT_EQ(judged({.bytes = in_ipv6(cut)}), Verdict::pass);
}

TEST(FinishChecksum, MakesTheChecksumThatLibtinsMakes) {
  for (const std::size_t length : {std::size_t{0}, std::size_t{1}, std::size_t{2}, std::size_t{999}}) {
    const Tcp tcp{.timestamps = true, .payload = payload_of(length)};
    const Udp udp{.payload = payload_of(length), .extensions = {options_extension(60, 1)}};
    TunFrame frames[] = {unfinished(tcp), unfinished(udp)};
    const Octets expected[] = {packet_of(tcp), packet_of(udp)};
    for (const std::size_t which : {0U, 1U}) {
      ASSERT_NE(frames[which].bytes, expected[which]);
      TunPacket packet = frames[which].packet();
      EXPECT_TRUE(finish_checksum(packet));
      EXPECT_FALSE(packet.offload.needs_checksum);
      EXPECT_EQ(frames[which].bytes, expected[which]) << length;
    }
  }
}

TEST(FinishChecksum, LeavesAFinishedPacketAlone) {
  TunFrame frame = unfinished(Tcp{.payload = payload_of(50)});
  frame.offload.needs_checksum = false;
  const Octets before = frame.bytes;
  TunPacket packet = frame.packet();
  EXPECT_TRUE(finish_checksum(packet));
  EXPECT_EQ(frame.bytes, before);
}

// RFC 8200 §8.1
TEST(FinishChecksum, AZeroIsWrittenAsAllOnes) {
  Udp fields{.payload = payload_of(64)};
  put_word(fields.payload, 0, 0);
  put_word(fields.payload, 0, word_at(packet_of(fields), ipv6_header + 6));
  TunFrame frame = unfinished(fields);
  TunPacket packet = frame.packet();
  EXPECT_TRUE(finish_checksum(packet));
  EXPECT_EQ(word_at(frame.bytes, ipv6_header + 6), 0xffff);
}

TEST(FinishChecksum, AFieldOutsideOfThePacketIsRefused) {
  const Octets bytes = packet_of(Udp{.payload = payload_of(10)});
  const std::size_t size = bytes.size();
  struct Place {
    std::size_t start;
    std::size_t offset;
  };
  for (const auto& [start, offset] : {Place{size, 0}, Place{size - 1, 0}, Place{40, size - 41},
                                      Place{40, 65535}, Place{65535, 0}, Place{65535, 65535}}) {
    TunFrame frame{.offload = {.needs_checksum = true,
                               .checksum_start = static_cast<std::uint16_t>(start),
                               .checksum_offset = static_cast<std::uint16_t>(offset)},
                   .bytes = bytes};
    TunPacket packet = frame.packet();
    EXPECT_FALSE(finish_checksum(packet)) << start << "+" << offset;
    EXPECT_EQ(frame.bytes, bytes);
  }
}

TEST(FinishChecksum, AFieldWhoseRangeBeginsInTheIpv6HeaderIsRefused) {
  const Octets bytes = packet_of(Udp{.payload = payload_of(10)});
  for (const unsigned start : {0U, 2U, 39U}) {
    TunFrame frame{.offload = {.needs_checksum = true,
                               .checksum_start = static_cast<std::uint16_t>(start),
                               .checksum_offset = static_cast<std::uint16_t>(46 - start)},
                   .bytes = bytes};
    TunPacket packet = frame.packet();
    EXPECT_FALSE(finish_checksum(packet)) << start;
    EXPECT_EQ(frame.bytes, bytes) << start;
  }
}

TEST(FinishChecksum, AFieldAtTheVeryEndIsWritten) {
  const Octets bytes = packet_of(Udp{.payload = payload_of(10)});
  TunFrame frame{.offload = {.needs_checksum = true,
                             .checksum_start = static_cast<std::uint16_t>(bytes.size() - 2),
                             .checksum_offset = 0},
                 .bytes = bytes};
  TunPacket packet = frame.packet();
  EXPECT_TRUE(finish_checksum(packet));
  EXPECT_EQ(word_at(frame.bytes, bytes.size() - 2), 0xffff ^ word_at(bytes, bytes.size() - 2));
}

}  // namespace
}  // namespace sixin4::engine
