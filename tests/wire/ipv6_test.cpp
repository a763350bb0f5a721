// The fixed IPv6 header, compared with libtins for reading and writing.
#include "sixin4/wire/ipv6.hpp"

#include <cstddef>
#include <cstdint>
#include <vector>

#include <gtest/gtest.h>
#include <tins/tins.h>

namespace sixin4::wire {
namespace {

using Octets = std::vector<std::uint8_t>;

constexpr Ipv6Address near_host{{0x20, 0x01, 0x0d, 0xb8, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x0a}};
constexpr Ipv6Address far_host{{0x20, 0x01, 0x0d, 0xb8, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x0b}};

Octets udp_packet(std::size_t payload = 10, std::uint32_t flow_label = 0) {
  Tins::IPv6 packet = Tins::IPv6("2001:db8:2::b", "2001:db8:1::a") / Tins::UDP(53, 4000) /
                      Tins::RawPDU(Octets(payload, 0x5a));
  packet.traffic_class(0xb9);
  packet.hop_limit(57);
  packet.flow_label(flow_label);
  return packet.serialize();
}

void set_length(Octets& packet, std::size_t length) {
  packet[4] = static_cast<std::uint8_t>(length >> 8U);
  packet[5] = static_cast<std::uint8_t>(length);
}

TEST(Ipv6Header, ReadsTheFieldsThatLibtinsWrote) {
  const Octets packet = udp_packet(10, 0xfffff);
  const auto header = Ipv6Header::at(packet);
  ASSERT_TRUE(header);
  EXPECT_EQ(header->traffic_class(), 0xb9);
  EXPECT_EQ(header->payload_length(), 18);
  EXPECT_EQ(header->packet_length(), 58U);
  EXPECT_EQ(header->next_header(), next_header::udp);
  EXPECT_EQ(header->hop_limit(), 57);
  EXPECT_EQ(header->source().address, near_host);
  EXPECT_EQ(header->destination().address, far_host);
}

TEST(Ipv6Header, OtherVersionsAreRefused) {
  Octets packet = udp_packet();
  for (unsigned version = 0; version < 16; ++version) {
    packet[0] = static_cast<std::uint8_t>(version << 4U);
    EXPECT_EQ(Ipv6Header::at(packet).has_value(), version == 6) << version;
  }
}

TEST(Ipv6Header, APacketCutAtAnyByteIsRefused) {
  const Octets whole = udp_packet();
  for (std::size_t length = 0; length < whole.size(); ++length) {
    const Octets cut(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(length));
    EXPECT_FALSE(Ipv6Header::at(cut)) << length;
  }
}

TEST(Ipv6Header, APayloadThatIsLongerThanThePacketIsRefused) {
  Octets packet = udp_packet(10);
  for (const std::size_t length : {19U, 256U, 65535U}) {
    set_length(packet, length);
    EXPECT_FALSE(Ipv6Header::at(packet)) << length;
  }
}

TEST(Ipv6Header, BytesBehindThePayloadAreNoFault) {
  Octets packet = udp_packet(10);
  packet.resize(200);
  const auto header = Ipv6Header::at(packet);
  ASSERT_TRUE(header);
  EXPECT_EQ(header->packet_length(), 58U);
}

TEST(Ipv6Header, TheLargestPayloadIsTaken) {
  Octets packet = udp_packet();
  packet.resize(ipv6_header_size + 65535);
  set_length(packet, 65535);
  const auto header = Ipv6Header::at(packet);
  ASSERT_TRUE(header);
  EXPECT_EQ(header->packet_length(), 65575U);
}

// RFC 2675 §3: a jumbogram begins with payload length 0 and hop-by-hop options.
TEST(Ipv6Header, AJumbogramIsRefused) {
  Octets packet = udp_packet();
  set_length(packet, 0);
  packet[6] = next_header::hop_by_hop;
  EXPECT_FALSE(Ipv6Header::at(packet));
}

TEST(Ipv6Header, AnEmptyPayloadIsNoJumbogram) {
  Octets packet = udp_packet();
  packet.resize(ipv6_header_size);
  set_length(packet, 0);
  packet[6] = 59;  // no next header (RFC 8200 §4.7)
  EXPECT_TRUE(Ipv6Header::at(packet));
}

TEST(WriteIpv6Header, WritesWhatLibtinsWrites) {
  Octets expected = udp_packet();
  expected.resize(ipv6_header_size);
  Octets written(ipv6_header_size, 0xee);
  write_ipv6_header(std::span{written}.first<ipv6_header_size>(), {.traffic_class = 0xb9,
                                                                   .payload_length = 18,
                                                                   .next_header = 17,
                                                                   .hop_limit = 57,
                                                                   .source = {near_host},
                                                                   .destination = {far_host}});
  EXPECT_EQ(written, expected);
}

TEST(SetTrafficClass, LeavesVersionAndFlowLabelAlone) {
  for (unsigned value = 0; value < 256; ++value) {
    Octets packet = udp_packet(0, 0xabcde);
    set_traffic_class(std::span{packet}.first<ipv6_header_size>(), static_cast<std::uint8_t>(value));
    const Tins::IPv6 parsed(packet.data(), static_cast<std::uint32_t>(packet.size()));
    EXPECT_EQ(parsed.version(), 6);
    EXPECT_EQ(parsed.traffic_class(), value);
    EXPECT_EQ(parsed.flow_label(), 0xabcdeU);
    EXPECT_EQ(Ipv6Header::at(packet)->traffic_class(), value);
  }
}

TEST(SetPayloadLength, WritesItsTwoOctetsOnly) {
  Octets packet = udp_packet();
  Octets expected = packet;
  set_length(expected, 0x1234);
  set_payload_length(std::span{packet}.first<ipv6_header_size>(), 0x1234);
  EXPECT_EQ(packet, expected);
}

}  // namespace
}  // namespace sixin4::wire
