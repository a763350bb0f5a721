// Inbound: unfinished and wrong checksums, and packets merged by receive offload.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include <gtest/gtest.h>

#include "sixin4/engine/inbound.hpp"
#include "sixin4/engine/segment.hpp"
#include "sixin4/wire/transport.hpp"

#include "packets.hpp"
#include "receive_offload.hpp"

namespace sixin4::engine {
namespace {

using namespace test;

Tcp from_far(std::size_t payload) {
  return {.payload = payload_of(payload), .source = far_host, .destination = near_host};
}
Udp datagram_from_far(std::size_t payload) {
  return {.payload = payload_of(payload), .source = far_host, .destination = near_host};
}

/// Cuts `result` as a tun device or the next link does.
std::vector<Octets> cut_again(const Decapsulated& result) {
  std::vector<Octets> packets;
  const auto segments = Segments::of(result.packet);
  for (std::size_t index = 0; segments && index < segments->count(); ++index) {
    Octets packet(segments->header_length());
    segments->write_headers(index, packet);
    const auto payload = segments->payload(index);
    packet.insert(packet.end(), payload.begin(), payload.end());
    packets.push_back(std::move(packet));
  }
  return packets;
}

TEST(InboundOffload, AWrongChecksumIsPassedOnWrong) {
  const Octets tcp = packet_of(from_far(1000));
  const Octets udp = packet_of(datagram_from_far(1000));
  for (const auto& [packet, field] : {std::pair{tcp, ipv6_header + 16U}, std::pair{udp, ipv6_header + 6U}}) {
    for (const unsigned flip : {1U, 0x100U, 0xffffU}) {
      Octets wrong = packet;
      put_word(wrong, field, word_at(wrong, field) ^ flip);
      Octets datagram = outer_packet(wrong);
      const Decapsulated result = decapsulate(near_parameters(), datagram);
      EXPECT_EQ(result.verdict, Verdict::pass);
      EXPECT_EQ(octets_of(result.packet.bytes), wrong);
      EXPECT_EQ(result.packet.offload, wire::VnetHeader{});
    }
  }
}

// The length and protocol in the pseudo-header sum must be those of the packet.
TEST(InboundOffload, APseudoHeaderSumOfAnotherLengthIsAWrongChecksum) {
  TunFrame frame = unfinished(from_far(1000));
  put_word(frame.bytes, ipv6_header + 16, word_at(frame.bytes, ipv6_header + 16) - 1U);
  Octets datagram = outer_packet(frame.bytes);
  const Decapsulated result = decapsulate(near_parameters(), datagram);
  EXPECT_EQ(octets_of(result.packet.bytes), frame.bytes);
  EXPECT_EQ(result.packet.offload, wire::VnetHeader{});
}

TEST(InboundOffload, AnUnfinishedChecksumIsMarked) {
  Tcp tcp = from_far(1000);
  tcp.timestamps = true;
  Udp udp = datagram_from_far(1400);
  udp.extensions = {options_extension(60, 2)};
  for (const TunFrame& frame : {unfinished(tcp), unfinished(udp)}) {  // UDP after options is not merged
    Octets datagram = outer_packet(frame.bytes);
    const Decapsulated result = decapsulate(near_parameters(), datagram);
    EXPECT_EQ(result.verdict, Verdict::pass);
    EXPECT_EQ(result.packet.offload, frame.offload);
    EXPECT_EQ(octets_of(result.packet.bytes), frame.bytes);
    EXPECT_EQ(result.packets, 1U);
    EXPECT_EQ(result.wire_bytes, frame.bytes.size());
  }
}

TEST(InboundOffload, AMergedPacketGetsOffloadData) {
  Tcp fields = from_far(60000);
  fields.timestamps = true;
  Octets datagram = outer_packet(unfinished(fields).bytes);
  const Decapsulated result = decapsulate(near_parameters(), datagram);
  EXPECT_EQ(result.verdict, Verdict::pass);
  EXPECT_EQ(result.packet.offload, (wire::VnetHeader{.needs_checksum = true,
                                                     .gso = wire::Gso::tcp6,
                                                     .header_length = 72,
                                                     .gso_size = 1280 - 72,
                                                     .checksum_start = 40,
                                                     .checksum_offset = 16}));
}

// RFC 8200 §5: 1280 bytes pass every link.
TEST(InboundOffload, AMergedPacketIsCutAgainIntoPacketsThatPassEveryLink) {
  for (const std::size_t length : {std::size_t{1221}, std::size_t{2840}, std::size_t{65443 - 16}}) {
    Tcp fields = from_far(length);
    fields.timestamps = true;
    fields.flags = tcp_ack | tcp_psh | tcp_fin;
    fields.extensions = {options_extension(60, 2)};
    Octets datagram = outer_packet(unfinished(fields).bytes);
    const Decapsulated result = decapsulate(near_parameters(), datagram);
    ASSERT_EQ(result.verdict, Verdict::pass);

    Octets stream;
    std::uint32_t sequence = fields.sequence;
    for (const Octets& packet : cut_again(result)) {
      EXPECT_LE(packet.size(), 1280U);
      EXPECT_EQ(packet, rewritten_by_libtins(packet));
      const Tins::IPv6 parsed(packet.data(), static_cast<std::uint32_t>(packet.size()));
      EXPECT_EQ(parsed.rfind_pdu<Tins::TCP>().seq(), sequence);
      const auto payload = packet.begin() + static_cast<std::ptrdiff_t>(headers_of(fields));
      stream.insert(stream.end(), payload, packet.end());
      sequence += static_cast<std::uint32_t>(packet.end() - payload);
    }
    EXPECT_EQ(stream, fields.payload);
  }
}

TEST(InboundOffload, TheLargestPacketThatIpv4CanCarryIsTaken) {
  const Tcp fields = from_far(65535 - 20 - 60);
  Octets datagram = outer_packet(unfinished(fields).bytes);
  ASSERT_EQ(datagram.size(), 65535U);
  const Decapsulated result = decapsulate(near_parameters(), datagram);
  ASSERT_EQ(result.verdict, Verdict::pass);
  EXPECT_EQ(cut_again(result).size(), (fields.payload.size() + 1219) / 1220);
}

TEST(InboundOffload, AnUnfinishedPacketThatPassesEveryLinkIsNotCut) {
  for (const std::size_t length : {std::size_t{1219}, std::size_t{1220}}) {
    Octets datagram = outer_packet(unfinished(from_far(length)).bytes);
    EXPECT_EQ(decapsulate(near_parameters(), datagram).packet.offload.gso, wire::Gso::none) << length;
  }
  Octets datagram = outer_packet(unfinished(from_far(1221)).bytes);
  EXPECT_EQ(decapsulate(near_parameters(), datagram).packet.offload.gso, wire::Gso::tcp6);
}

TEST(InboundOffload, CwrIsToldInTheOffloadData) {
  Tcp fields = from_far(5000);
  fields.flags = tcp_ack | tcp_cwr;
  Octets with = outer_packet(unfinished(fields).bytes);
  EXPECT_TRUE(decapsulate(near_parameters(), with).packet.offload.gso_ecn);
  fields.flags = tcp_ack | 0x40;  // ECE alone is not CWR
  Octets without = outer_packet(unfinished(fields).bytes);
  EXPECT_FALSE(decapsulate(near_parameters(), without).packet.offload.gso_ecn);
}

TEST(InboundOffload, MergedPacketsCountAsWhatTheyWereOnTheWire) {
  std::vector<Octets> outer_packets;
  Tcp fields{.source = far_host, .destination = near_host};
  for (const std::size_t length : {1420U, 1420U, 1420U, 700U}) {  // payloads with a tunnel MTU of 1480
    fields.payload = payload_of(length);
    outer_packets.push_back(outer_packet(packet_of(fields)));
    fields.sequence += static_cast<std::uint32_t>(length);
  }
  Octets datagram = merged(outer_packets, 40, 60);
  const Decapsulated result = decapsulate(near_parameters(), datagram);
  EXPECT_EQ(result.verdict, Verdict::pass);
  EXPECT_EQ(result.packets, 4U);
  EXPECT_EQ(result.wire_bytes, 3U * 1480 + 760);
}

TEST(InboundOffload, EcnOfAMergedPacketIsThatOfTheTunnel) {
  Tcp fields = from_far(5000);
  fields.traffic_class = 2;
  Octets datagram = outer_packet(unfinished(fields).bytes, {.tos = 3});
  const Decapsulated result = decapsulate(near_parameters(), datagram);
  ASSERT_EQ(result.verdict, Verdict::pass);
  for (const Octets& packet : cut_again(result)) EXPECT_EQ(word_at(packet, 0) >> 4U & 0xffU, 3U);
}

// The socket from which an unfinished datagram is taken.
TEST(InboundOffload, AnUnfinishedDatagramIsTakenFromThePacketSocketOnly) {
  for (const std::size_t payload : {1U, 1400U, 9000U, 60000U}) {
    const TunFrame frame = unfinished(datagram_from_far(payload));
    Octets raw = outer_packet(frame.bytes);
    EXPECT_TRUE(decapsulate(near_parameters(), raw).taken_elsewhere) << payload;
    Octets datagram = outer_packet(frame.bytes);
    const Decapsulated result = decapsulate(near_parameters(), datagram, {.from_packet_socket = true});
    EXPECT_EQ(result.verdict, Verdict::pass);
    EXPECT_FALSE(result.taken_elsewhere);
    EXPECT_EQ(result.packet.offload, frame.offload);
    EXPECT_EQ(octets_of(result.packet.bytes), frame.bytes);
  }
}

TEST(InboundOffload, WhatIsNotAnUnfinishedDatagramIsLeftToTheRawSocket) {
  Udp extended = datagram_from_far(1000);
  extended.extensions = {options_extension(60, 2)};
  for (const Octets& inner : {packet_of(datagram_from_far(1000)), packet_of(from_far(1000)),
                              unfinished(from_far(5000)).bytes, unfinished(extended).bytes}) {
    Octets datagram = outer_packet(inner);
    EXPECT_TRUE(decapsulate(near_parameters(), datagram, {.from_packet_socket = true}).taken_elsewhere);
    Octets raw = outer_packet(inner);
    EXPECT_FALSE(decapsulate(near_parameters(), raw).taken_elsewhere);
  }
}

TEST(InboundOffload, ARefusedPacketIsLeftToTheRawSocketToCount) {
  Octets datagram = outer_packet(unfinished(datagram_from_far(1000)).bytes, {.source = "203.0.113.9"});
  EXPECT_TRUE(decapsulate(near_parameters(), datagram, {.from_packet_socket = true}).taken_elsewhere);
}

// The filter of the raw socket leaves these out.
TEST(InboundOffload, ADatagramRefusedForItsInnerHeaderCountsAtThePacketSocket) {
  TunnelParameters parameters = near_parameters();
  parameters.ours = {near_prefix, far_prefix};
  Octets datagram = outer_packet(unfinished(datagram_from_far(1000)).bytes);
  const Decapsulated result = decapsulate(parameters, datagram, {.from_packet_socket = true});
  EXPECT_EQ(result.verdict, Verdict::inner_source_ours);
  EXPECT_FALSE(result.taken_elsewhere);
  put_word(datagram, 10, word_at(datagram, 10) ^ 1U);
  EXPECT_TRUE(decapsulate(parameters, datagram, {.from_packet_socket = true}).taken_elsewhere)
      << "the kernel discards it, and counts it in its own way";
}

TEST(InboundOffload, ThePacketSocketsHeadersAreVerified) {
  Octets datagram = outer_packet(unfinished(datagram_from_far(1000)).bytes);
  put_word(datagram, 10, word_at(datagram, 10) ^ 1U);
  EXPECT_TRUE(decapsulate(near_parameters(), datagram, {.from_packet_socket = true}).taken_elsewhere);
}

TEST(InboundOffload, MergedDatagramsAreCutAgainWhereTheyWereJoined) {
  Octets datagram = outer_packet(unfinished(datagram_from_far(2100)).bytes);
  const Decapsulated result =
      decapsulate(near_parameters(), datagram, {.from_packet_socket = true, .gso_size = 500});
  ASSERT_EQ(result.verdict, Verdict::pass);
  EXPECT_EQ(result.packet.offload, (wire::VnetHeader{.needs_checksum = true,
                                                     .gso = wire::Gso::udp,
                                                     .header_length = 48,
                                                     .gso_size = 500,
                                                     .checksum_start = 40,
                                                     .checksum_offset = 6}));
  EXPECT_EQ(result.packets, 5U);
  EXPECT_EQ(result.wire_bytes, 2100U + 5U * 48U);
  const auto packets = cut_again(result);
  ASSERT_EQ(packets.size(), 5U);
  for (const Octets& packet : packets) EXPECT_EQ(rewritten_by_libtins(packet), packet);
}

/// A datagram whose right checksum equals the pseudo-header sum by chance (1 in 65536).
Octets datagram_that_looks_unfinished(std::size_t length, std::vector<Extension> extensions = {}) {
  Udp fields = datagram_from_far(length);
  fields.extensions = std::move(extensions);
  put_word(fields.payload, fields.payload.size() - 2, 0);
  const Octets without = packet_of(fields);
  const std::size_t transport = without.size() - length - wire::udp::header_size;
  const std::size_t field = transport + wire::udp::checksum_offset;
  const std::uint16_t pseudo = reference_pseudo_sum(without, transport, wire::next_header::udp);
  // The word that makes both equal in ones' complement.
  const std::uint32_t word = (0xffffU ^ pseudo) + std::uint32_t{word_at(without, field)};
  put_word(fields.payload, fields.payload.size() - 2, (word & 0xffffU) + (word >> 16U));
  Octets inner = packet_of(fields);
  EXPECT_EQ(word_at(inner, field), pseudo);
  return inner;
}

TEST(InboundOffload, ADatagramWhoseFinishedChecksumLooksUnfinishedComesOverThePacketSocket) {
  const Octets inner = datagram_that_looks_unfinished(1000);
  Octets datagram = outer_packet(inner);
  EXPECT_TRUE(decapsulate(near_parameters(), datagram).taken_elsewhere);
  const Decapsulated result = decapsulate(near_parameters(), datagram, {.from_packet_socket = true});
  EXPECT_EQ(result.verdict, Verdict::pass);
  EXPECT_FALSE(result.taken_elsewhere);
  EXPECT_EQ(octets_of(result.packet.bytes), inner);
  EXPECT_EQ(result.packet.offload, wire::VnetHeader{});
}

// The kernel merges no packets with options.
TEST(InboundOffload, OneBehindOptionsComesOverTheRawSocket) {
  const Octets inner = datagram_that_looks_unfinished(1000, {options_extension(60, 2)});
  Octets datagram = outer_packet(inner);
  const Decapsulated result = decapsulate(near_parameters(), datagram);
  EXPECT_FALSE(result.taken_elsewhere);
  EXPECT_EQ(octets_of(result.packet.bytes), inner);
  EXPECT_EQ(result.packet.offload, wire::VnetHeader{});
}

// Without a packet socket all packets are taken from the raw socket.
TEST(InboundOffload, AloneTheRawSocketTakesUnfinishedDatagrams) {
  const TunFrame frame = unfinished(datagram_from_far(1000));
  Octets datagram = outer_packet(frame.bytes);
  const Decapsulated result = decapsulate(near_parameters(), datagram, {.only_raw_socket = true});
  EXPECT_EQ(result.verdict, Verdict::pass);
  EXPECT_FALSE(result.taken_elsewhere);
  EXPECT_EQ(result.packet.offload, frame.offload);
  EXPECT_EQ(octets_of(result.packet.bytes), frame.bytes);
}

TEST(InboundOffload, AloneTheRawSocketCannotTellWhereDatagramsWereJoined) {
  const TunnelParameters parameters = near_parameters();
  const std::size_t longest = std::max<std::size_t>(parameters.mtu, parameters.link_mtu - 20U) - 48;
  for (const auto& [length, verdict] :
       {std::pair{longest, Verdict::pass}, std::pair{longest + 1, Verdict::inner_joined}}) {
    Octets datagram = outer_packet(unfinished(datagram_from_far(length)).bytes);
    EXPECT_EQ(decapsulate(parameters, datagram, {.only_raw_socket = true}).verdict, verdict) << length;
    datagram = outer_packet(packet_of(datagram_from_far(length)));
    EXPECT_EQ(decapsulate(parameters, datagram, {.only_raw_socket = true}).verdict, Verdict::pass) << length;
  }
}

// The raw socket would deliver the same bytes as one large datagram.
TEST(InboundOffload, MergedDatagramsWhoseChecksumLooksFinishedAreCutAllTheSame) {
  Octets datagram = outer_packet(datagram_that_looks_unfinished(54 * 1200));
  EXPECT_TRUE(decapsulate(near_parameters(), datagram).taken_elsewhere);
  const Decapsulated result =
      decapsulate(near_parameters(), datagram, {.from_packet_socket = true, .gso_size = 1200});
  EXPECT_EQ(result.verdict, Verdict::pass);
  EXPECT_EQ(result.packet.offload.gso, wire::Gso::udp);
  EXPECT_EQ(result.packets, 54U);
}

// A finished datagram of any size is a single one, reassembled from IPv4 fragments.
TEST(InboundOffload, ALargeFinishedDatagramPasses) {
  const Octets inner = packet_of(datagram_from_far(9000));
  Octets datagram = outer_packet(inner);
  const Decapsulated result = decapsulate(near_parameters(), datagram);
  EXPECT_EQ(result.verdict, Verdict::pass);
  EXPECT_EQ(octets_of(result.packet.bytes), inner);
  EXPECT_EQ(result.packet.offload, wire::VnetHeader{});
}

TEST(InboundOffload, HeadersLargerThanTheLeastMtuAreNotCut) {
  Tcp fields = from_far(5000);
  fields.extensions = std::vector<Extension>(5, options_extension(60, 32));
  ASSERT_GT(headers_of(fields), 1280U);
  Octets datagram = outer_packet(unfinished(fields).bytes);
  const Decapsulated result = decapsulate(near_parameters(), datagram);
  EXPECT_EQ(result.verdict, Verdict::pass);
  EXPECT_TRUE(result.packet.offload.needs_checksum);
  EXPECT_EQ(result.packet.offload.gso, wire::Gso::none);
}

TEST(InboundOffload, ATruncatedTransportHeaderIsNoUnfinishedOne) {
  for (std::size_t length = 0; length < 20; ++length) {
    Octets inner = packet_of(from_far(0));
    inner.resize(ipv6_header + length);
    put_word(inner, 4, length);
    if (length >= 18) unfinish_checksum(inner, 40, 16, 6);
    Octets datagram = outer_packet(inner);
    const Decapsulated result = decapsulate(near_parameters(), datagram);
    EXPECT_EQ(result.verdict, Verdict::pass) << length;
    EXPECT_EQ(octets_of(result.packet.bytes), inner) << length;
    EXPECT_EQ(result.packet.offload, wire::VnetHeader{}) << length;
  }
}

}  // namespace
}  // namespace sixin4::engine
