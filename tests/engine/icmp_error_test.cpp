// ICMPv6 errors: which packets they may be about, what they quote, and that libtins finds them valid.
#include "sixin4/engine/icmp_error.hpp"

#include <cstddef>
#include <cstdint>
#include <string>

#include <gtest/gtest.h>
#include <tins/tins.h>

#include "packets.hpp"

namespace sixin4::engine {
namespace {

using namespace test;

constexpr wire::icmpv6::Error unreachable{.type = 1, .code = 5, .parameter = 0};
constexpr wire::icmpv6::Error too_big = wire::icmpv6::packet_too_big(1400);
constexpr wire::Source<wire::Ipv6Address> tunnel_address{wire::link_local_of(near_end)};

Octets between(const std::string& source, const std::string& destination) {
  return packet_of(Udp{.payload = payload_of(30), .source = source, .destination = destination});
}

Octets icmp_of_type(unsigned type, const std::vector<Extension>& extensions = {}) {
  const Octets message{static_cast<std::uint8_t>(type), 0, 0, 0, 0, 0, 0, 0};
  Octets packet = serialized(near_host, far_host, 0, Tins::RawPDU(message));
  packet[6] = 58;
  return with_extensions(packet, extensions);
}

TEST(MayAnswer, AnOrdinaryPacketIsAnswered) {
  EXPECT_TRUE(may_answer(between(near_host, far_host), unreachable));
  EXPECT_TRUE(may_answer(between("fe80::1", "fe80::2"), unreachable));
  EXPECT_TRUE(may_answer(packet_of(Tcp{}), too_big));
}

// RFC 4443 §2.4 (e.1), (e.2)
TEST(MayAnswer, NoErrorAnswersAnErrorOrARedirect) {
  for (unsigned type = 0; type < 256; ++type) {
    const bool informational = type >= 128 && type != 137;
    EXPECT_EQ(may_answer(icmp_of_type(type), unreachable), informational) << type;
    EXPECT_EQ(may_answer(icmp_of_type(type, {options_extension(0, 1)}), unreachable), informational) << type;
    EXPECT_EQ(may_answer(icmp_of_type(type), too_big), informational) << type;
  }
}

TEST(MayAnswer, AnErrorInAFirstFragmentIsAnErrorToo) {
  EXPECT_FALSE(may_answer(icmp_of_type(1, {fragment_extension(0, true)}), unreachable));
  EXPECT_TRUE(may_answer(icmp_of_type(128, {fragment_extension(0, true)}), unreachable));
}

TEST(MayAnswer, AnIcmpMessageWithoutATypeIsNotAnswered) {
  Octets packet = icmp_of_type(128);
  packet.resize(ipv6_header);
  put_word(packet, 4, 0);
  EXPECT_FALSE(may_answer(packet, unreachable));
}

// RFC 4443 §2.4 (e.3) excepts Packet Too Big, for path MTU discovery of multicast.
TEST(MayAnswer, AMulticastDestinationIsAnsweredWithPacketTooBigOnly) {
  for (const char* group : {"ff02::1", "ff0e::1234", "ff00::"}) {
    EXPECT_FALSE(may_answer(between(near_host, group), unreachable)) << group;
    EXPECT_TRUE(may_answer(between(near_host, group), too_big)) << group;
  }
}

// RFC 4443 §2.4 (e.6)
TEST(MayAnswer, ASourceThatIsNoSingleNodeIsNotAnswered) {
  for (const char* source : {"::", "ff02::1", "ff0e::1"}) {
    EXPECT_FALSE(may_answer(between(source, far_host), unreachable)) << source;
    EXPECT_FALSE(may_answer(between(source, far_host), too_big)) << source;
  }
}

TEST(MayAnswer, WhatIsNoIpv6PacketIsNotAnswered) {
  EXPECT_FALSE(may_answer({}, too_big));
  Octets packet = between(near_host, far_host);
  EXPECT_FALSE(may_answer(wire::Bytes{packet}.first(ipv6_header - 1), too_big));
  packet[0] = 0x45;
  EXPECT_FALSE(may_answer(packet, too_big));
}

// Routers often quote only the start of a packet.
TEST(MayAnswer, TheStartOfAPacketIsEnoughWhereItTellsWhatThePacketIs) {
  const Octets datagram = between(near_host, far_host);
  EXPECT_TRUE(may_answer(wire::Bytes{datagram}.first(ipv6_header), unreachable));
  const Octets echo = icmp_of_type(128);
  EXPECT_TRUE(may_answer(wire::Bytes{echo}.first(ipv6_header + 1), unreachable));
  EXPECT_FALSE(may_answer(wire::Bytes{echo}.first(ipv6_header), unreachable)) << "may be an error";
  const Octets behind_options = icmp_of_type(128, {options_extension(0, 2)});
  EXPECT_FALSE(may_answer(wire::Bytes{behind_options}.first(ipv6_header + 15), unreachable));
}

TEST(IcmpError, GoesFromTheTunnelToTheSender) {
  wire::icmpv6::ErrorBuffer buffer{};
  const Octets offending = between(near_host, far_host);
  const Octets error =
      octets_of(wire::icmpv6::write_icmp_error(buffer, offending, unreachable, tunnel_address));
  const Tins::IPv6 parsed(error.data(), static_cast<std::uint32_t>(error.size()));
  EXPECT_EQ(parsed.version(), 6);
  EXPECT_EQ(parsed.src_addr(), Tins::IPv6Address("fe80::c000:201"));
  EXPECT_EQ(parsed.dst_addr(), Tins::IPv6Address(near_host));
  EXPECT_GT(parsed.hop_limit(), 1);
  EXPECT_EQ(parsed.payload_length(), error.size() - ipv6_header);
  EXPECT_EQ(parsed.next_header(), 58);
  EXPECT_EQ(parsed.rfind_pdu<Tins::ICMPv6>().type(), Tins::ICMPv6::DEST_UNREACHABLE);
  EXPECT_EQ(parsed.rfind_pdu<Tins::ICMPv6>().code(), 5);
}

TEST(IcmpError, HasTheChecksumThatLibtinsFinds) {
  wire::icmpv6::ErrorBuffer buffer{};
  for (const std::size_t payload : {std::size_t{0}, std::size_t{1}, std::size_t{30}, std::size_t{5001}}) {
    const Octets offending = packet_of(Udp{.payload = payload_of(payload)});
    for (const auto& error : {unreachable, too_big}) {
      const Octets packet =
          octets_of(wire::icmpv6::write_icmp_error(buffer, offending, error, tunnel_address));
      EXPECT_EQ(packet, rewritten_by_libtins(packet)) << payload;
    }
  }
}

TEST(IcmpError, TheParameterStandsInNetworkOrder) {
  wire::icmpv6::ErrorBuffer buffer{};
  const wire::icmpv6::Error error{.type = 4, .code = 1, .parameter = 0x01020304};
  const Octets packet =
      octets_of(wire::icmpv6::write_icmp_error(buffer, between(near_host, far_host), error, tunnel_address));
  EXPECT_EQ(Octets(packet.begin() + 40, packet.begin() + 42), (Octets{4, 1}));
  EXPECT_EQ(Octets(packet.begin() + 44, packet.begin() + 48), (Octets{1, 2, 3, 4}));
}

// RFC 4443 §2.4 (c): at most 1280 bytes with all headers.
TEST(IcmpError, QuotesAsMuchAsFits) {
  wire::icmpv6::ErrorBuffer buffer{};
  for (const std::size_t length : {48U, 100U, 1231U, 1232U, 1233U, 1480U, 65000U}) {
    const Octets offending = packet_of(Udp{.payload = payload_of(length - 48)});
    ASSERT_EQ(offending.size(), length);
    const Octets packet =
        octets_of(wire::icmpv6::write_icmp_error(buffer, offending, too_big, tunnel_address));
    const std::size_t quoted = length < 1232 ? length : 1232;
    EXPECT_EQ(packet.size(), 48 + quoted);
    EXPECT_EQ(Octets(packet.begin() + 48, packet.end()),
              Octets(offending.begin(), offending.begin() + static_cast<std::ptrdiff_t>(quoted)));
  }
}

TEST(IcmpError, NothingOfAnEarlierErrorIsLeft) {
  wire::icmpv6::ErrorBuffer used{};
  wire::icmpv6::ErrorBuffer fresh{};
  (void)wire::icmpv6::write_icmp_error(used, packet_of(Udp{.payload = payload_of(5000)}), unreachable,
                                       tunnel_address);
  const Octets offending = between(near_host, far_host);
  EXPECT_EQ(octets_of(wire::icmpv6::write_icmp_error(used, offending, too_big, tunnel_address)),
            octets_of(wire::icmpv6::write_icmp_error(fresh, offending, too_big, tunnel_address)));
}

}  // namespace
}  // namespace sixin4::engine
