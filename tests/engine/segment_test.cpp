// Segmentation: the packets of a super-packet, checked by libtins.
#include "sixin4/engine/segment.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include <gtest/gtest.h>
#include <tins/tins.h>

#include "packets.hpp"

namespace sixin4::engine {
namespace {

using namespace test;

/// The packets of a super-packet.
std::vector<Octets> cut(TunFrame& frame) {
  const auto segments = Segments::of(frame.packet());
  std::vector<Octets> packets;
  for (std::size_t index = 0; segments && index < segments->count(); ++index) {
    Octets headers(segments->header_length());
    segments->write_headers(index, headers);
    const auto payload = segments->payload(index);
    headers.insert(headers.end(), payload.begin(), payload.end());
    packets.push_back(std::move(headers));
  }
  return packets;
}

std::vector<Octets> cut(TunFrame&& frame) {
  return cut(frame);
}

Octets joined(const std::vector<Octets>& packets, std::size_t headers) {
  Octets stream;
  for (const auto& packet : packets) {
    stream.insert(stream.end(), packet.begin() + static_cast<std::ptrdiff_t>(headers), packet.end());
  }
  return stream;
}

Tins::IPv6 parsed(const Octets& packet) {
  return {packet.data(), static_cast<std::uint32_t>(packet.size())};
}

TEST(Segment, TcpPacketsCarryThePayloadInOrder) {
  const Tcp fields{.payload = payload_of(5000)};
  const auto packets = cut(super_packet(fields, 1400));
  ASSERT_EQ(packets.size(), 4U);
  EXPECT_EQ(packets[0].size(), 1460U);
  EXPECT_EQ(packets[1].size(), 1460U);
  EXPECT_EQ(packets[2].size(), 1460U);
  EXPECT_EQ(packets[3].size(), 860U);
  EXPECT_EQ(joined(packets, headers_of(fields)), fields.payload);
}

TEST(Segment, TcpLengthsAndChecksumsAreRight) {
  for (const auto& packet : cut(super_packet(Tcp{.payload = payload_of(65000)}, 1420))) {
    EXPECT_EQ(packet, rewritten_by_libtins(packet));
  }
}

TEST(Segment, OddSegmentSizesKeepChecksumsRight) {
  for (const std::uint16_t size : std::array<std::uint16_t, 5>{1, 3, 7, 1219, 1399}) {
    for (const auto& packet : cut(super_packet(Tcp{.timestamps = true, .payload = payload_of(2801)}, size))) {
      EXPECT_EQ(packet, rewritten_by_libtins(packet)) << size;
    }
  }
}

TEST(Segment, SequenceNumbersCountPayload) {
  const auto packets = cut(super_packet(Tcp{.sequence = 100, .payload = payload_of(2500)}, 1000));
  ASSERT_EQ(packets.size(), 3U);
  EXPECT_EQ(parsed(packets[0]).rfind_pdu<Tins::TCP>().seq(), 100U);
  EXPECT_EQ(parsed(packets[1]).rfind_pdu<Tins::TCP>().seq(), 1100U);
  EXPECT_EQ(parsed(packets[2]).rfind_pdu<Tins::TCP>().seq(), 2100U);
}

TEST(Segment, SequenceNumbersWrapAround) {
  const auto packets = cut(super_packet(Tcp{.sequence = 0xfffffc17, .payload = payload_of(3000)}, 1000));
  ASSERT_EQ(packets.size(), 3U);
  EXPECT_EQ(parsed(packets[0]).rfind_pdu<Tins::TCP>().seq(), 0xfffffc17U);
  EXPECT_EQ(parsed(packets[1]).rfind_pdu<Tins::TCP>().seq(), 0xffffffffU);
  EXPECT_EQ(parsed(packets[2]).rfind_pdu<Tins::TCP>().seq(), 999U);
  for (const auto& packet : packets) EXPECT_EQ(packet, rewritten_by_libtins(packet));
}

TEST(Segment, FinAndPshStandOnTheLastSegmentOnly) {
  constexpr std::uint8_t flags = tcp_ack | tcp_fin | tcp_psh;
  const auto packets = cut(super_packet(Tcp{.flags = flags, .payload = payload_of(2500)}, 1000));
  ASSERT_EQ(packets.size(), 3U);
  EXPECT_EQ(parsed(packets[0]).rfind_pdu<Tins::TCP>().flags(), tcp_ack);
  EXPECT_EQ(parsed(packets[1]).rfind_pdu<Tins::TCP>().flags(), tcp_ack);
  EXPECT_EQ(parsed(packets[2]).rfind_pdu<Tins::TCP>().flags(), flags);
}

// RFC 3168 §6.1.2: CWR answers one congestion signal, so only one segment has it.
TEST(Segment, CwrStandsOnTheFirstSegmentOnly) {
  constexpr std::uint8_t flags = tcp_ack | tcp_cwr;
  const auto packets = cut(super_packet(Tcp{.flags = flags, .payload = payload_of(2500)}, 1000));
  ASSERT_EQ(packets.size(), 3U);
  EXPECT_EQ(parsed(packets[0]).rfind_pdu<Tins::TCP>().flags(), flags);
  EXPECT_EQ(parsed(packets[1]).rfind_pdu<Tins::TCP>().flags(), tcp_ack);
  EXPECT_EQ(parsed(packets[2]).rfind_pdu<Tins::TCP>().flags(), tcp_ack);
}

TEST(Segment, FieldsThatSegmentationDoesNotTouchAreTheSameInEverySegment) {
  const Tcp fields{.timestamps = true, .payload = payload_of(4000), .traffic_class = 0xb9};
  TunFrame frame = super_packet(fields, 1200);
  const auto packets = cut(frame);
  ASSERT_EQ(packets.size(), 4U);
  for (Octets packet : packets) {
    Octets original(frame.bytes.begin(),
                    frame.bytes.begin() + static_cast<std::ptrdiff_t>(headers_of(fields)));
    packet.resize(original.size());
    for (Octets* header : {&packet, &original}) {
      put_word(*header, 4, 0);                // payload length
      put_word(*header, ipv6_header + 4, 0);  // sequence number
      put_word(*header, ipv6_header + 6, 0);
      put_word(*header, ipv6_header + 16, 0);  // checksum
    }
    EXPECT_EQ(packet, original);
  }
}

TEST(Segment, ExtensionHeadersStandInEverySegment) {
  const Tcp fields{.payload = payload_of(3000),
                   .extensions = {options_extension(0, 1), options_extension(60, 3)}};
  const auto packets = cut(super_packet(fields, 1100));
  ASSERT_EQ(packets.size(), 3U);
  for (const auto& packet : packets) {
    EXPECT_EQ(packet, rewritten_by_libtins(packet));
    EXPECT_EQ(parsed(packet).headers().size(), 2U);
  }
  EXPECT_EQ(joined(packets, headers_of(fields)), fields.payload);
}

TEST(Segment, TcpOptionsStandInEverySegment) {
  const Tcp fields{.timestamps = true, .payload = payload_of(3000)};
  const auto packets = cut(super_packet(fields, 1400));
  ASSERT_EQ(packets.size(), 3U);
  for (const auto& packet : packets) {
    EXPECT_EQ(packet, rewritten_by_libtins(packet));
    EXPECT_EQ(parsed(packet).rfind_pdu<Tins::TCP>().timestamp(), std::pair(0x01020304U, 0x05060708U));
  }
}

TEST(Segment, AnExactMultipleMakesNoEmptySegment) {
  const Tcp fields{.payload = payload_of(3 * 1000)};
  const auto packets = cut(super_packet(fields, 1000));
  ASSERT_EQ(packets.size(), 3U);
  for (const auto& packet : packets) EXPECT_EQ(packet.size(), 1060U);
}

TEST(Segment, APayloadThatFitsOnceIsOneFinishedPacket) {
  constexpr std::uint8_t flags = tcp_ack | tcp_fin | tcp_psh | tcp_cwr;
  for (const std::size_t length : {std::size_t{0}, std::size_t{1}, std::size_t{999}, std::size_t{1000}}) {
    const Tcp fields{.flags = flags, .payload = payload_of(length)};
    const auto packets = cut(super_packet(fields, 1000));
    ASSERT_EQ(packets.size(), 1U) << length;
    EXPECT_EQ(packets[0], packet_of(fields)) << length;
  }
}

TEST(Segment, TheLargestPacketIsTold) {
  TunFrame many = super_packet(Tcp{.payload = payload_of(3000)}, 1000);
  TunFrame one = super_packet(Tcp{.payload = payload_of(300)}, 1000);
  EXPECT_EQ(Segments::of(many.packet())->largest_packet(), 1060U);
  EXPECT_EQ(Segments::of(one.packet())->largest_packet(), 360U);
}

TEST(Segment, UdpDatagramsAreCutAtTheSegmentSize) {
  const Udp fields{.payload = payload_of(3001)};
  const auto packets = cut(super_packet(fields, 1200));
  ASSERT_EQ(packets.size(), 3U);
  EXPECT_EQ(parsed(packets[0]).rfind_pdu<Tins::UDP>().length(), 1208U);
  EXPECT_EQ(parsed(packets[1]).rfind_pdu<Tins::UDP>().length(), 1208U);
  EXPECT_EQ(parsed(packets[2]).rfind_pdu<Tins::UDP>().length(), 609U);
  for (const auto& packet : packets) EXPECT_EQ(packet, rewritten_by_libtins(packet));
  EXPECT_EQ(joined(packets, headers_of(fields)), fields.payload);
}

TEST(Segment, UdpBehindExtensionHeadersIsCutTheSame) {
  const Udp fields{.payload = payload_of(2500), .extensions = {options_extension(60, 2)}};
  const auto packets = cut(super_packet(fields, 1000));
  ASSERT_EQ(packets.size(), 3U);
  for (const auto& packet : packets) EXPECT_EQ(packet, rewritten_by_libtins(packet));
  EXPECT_EQ(joined(packets, headers_of(fields)), fields.payload);
}

// RFC 8200 §8.1: a UDP checksum that computes to zero is sent as 0xffff, because zero means "none".
TEST(Segment, AUdpChecksumOfZeroIsSentAsAllOnes) {
  constexpr std::size_t size = 1000;
  Udp first{.payload = payload_of(size)};
  put_word(first.payload, 0, 0);
  // The former zero word gets the checksum, so that the sum is all ones and its complement 0.
  put_word(first.payload, 0, word_at(packet_of(first), ipv6_header + 6));
  Udp fields = first;
  fields.payload.insert(fields.payload.end(), {1, 2, 3});

  const auto packets = cut(super_packet(fields, size));
  ASSERT_EQ(packets.size(), 2U);
  EXPECT_EQ(word_at(packets[0], ipv6_header + 6), 0xffff);
  EXPECT_NE(word_at(packets[1], ipv6_header + 6), 0xffff);
  EXPECT_EQ(packets[0], rewritten_by_libtins(packets[0]));
}

TEST(Segment, AnUnfinishedChecksumIsThePseudoHeaderSumWhateverThePayload) {
  TunFrame tcp = super_packet(Tcp{.timestamps = true, .payload = payload_of(2501)}, 1000);
  TunFrame udp =
      super_packet(Udp{.payload = payload_of(2501), .extensions = {options_extension(60, 2)}}, 1000);
  for (TunFrame* frame : {&tcp, &udp}) {
    const auto segments = Segments::of(frame->packet());
    ASSERT_TRUE(segments);
    const std::size_t start = frame->offload.checksum_start;
    const auto expected = UnfinishedChecksum{frame->offload.checksum_start, frame->offload.checksum_offset};
    EXPECT_EQ(segments->checksum_field(), expected);
    for (std::size_t index = 0; index < segments->count(); ++index) {
      Octets finished(segments->header_length());
      segments->write_headers(index, finished);
      Octets headers(segments->header_length());
      std::ranges::fill(wire::MutableBytes{frame->bytes}.subspan(headers.size()), std::uint8_t(index));
      segments->write_unfinished_headers(index, headers);

      Octets whole = headers;
      whole.resize(headers.size() + segments->payload(index).size());
      const std::uint8_t protocol = frame == &tcp ? 6 : 17;
      EXPECT_EQ(word_at(headers, start + expected.offset), reference_pseudo_sum(whole, start, protocol));
      put_word(headers, start + expected.offset, word_at(finished, start + expected.offset));
      EXPECT_EQ(headers, finished) << "all but the checksum";
    }
  }
}

}  // namespace
}  // namespace sixin4::engine
