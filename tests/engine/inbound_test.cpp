// Inbound: which outer and inner packets pass, and the bytes that come out.
#include "sixin4/engine/inbound.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "packets.hpp"

namespace sixin4::engine {
namespace {

using namespace test;

Verdict judged(Octets datagram, const TunnelParameters& parameters = near_parameters()) {
  return decapsulate(parameters, datagram).verdict;
}

/// A packet from the far end to the near one.
Octets inner_packet(std::size_t payload = 100, std::uint8_t traffic_class = 0) {
  return packet_of(Udp{.payload = payload_of(payload),
                       .traffic_class = traffic_class,
                       .source = far_host,
                       .destination = near_host});
}
Octets inner_from(const std::string& source) {
  return packet_of(Udp{.payload = payload_of(10), .source = source, .destination = near_host});
}

TEST(Inbound, APacketFromTheFarEndPassesUnchanged) {
  const Octets inner = inner_packet();
  Octets datagram = outer_packet(inner);
  const Decapsulated result = decapsulate(near_parameters(), datagram);
  EXPECT_EQ(result.verdict, Verdict::pass);
  EXPECT_EQ(octets_of(result.packet.bytes), inner);
  EXPECT_EQ(result.packet.offload, wire::VnetHeader{});
  EXPECT_EQ(result.packets, 1U);
  EXPECT_EQ(result.wire_bytes, inner.size());
}

TEST(Inbound, TheInnerHopLimitIsNotTouched) {
  Octets datagram = outer_packet(inner_packet());
  EXPECT_EQ(decapsulate(near_parameters(), datagram).packet.bytes[7], 57);
}

TEST(Inbound, WhatIsNotIpv4IsRefused) {
  Octets datagram = outer_packet(inner_packet());
  datagram[0] = 0x65;
  EXPECT_EQ(judged(datagram), Verdict::outer_malformed);
  EXPECT_EQ(judged({}), Verdict::outer_malformed);
}

TEST(Inbound, AnotherProtocolIsRefused) {
  EXPECT_EQ(judged(outer_packet(inner_packet(), {.protocol = 4})), Verdict::outer_malformed);
}

TEST(Inbound, AHeaderLengthBelowTwentyIsRefused) {
  Octets datagram = outer_packet(inner_packet());
  for (const std::uint8_t octet : {std::uint8_t{0x40}, std::uint8_t{0x44}}) {
    datagram[0] = octet;
    EXPECT_EQ(judged(datagram), Verdict::outer_malformed);
  }
}

TEST(Inbound, AHeaderLengthBeyondTheTotalLengthIsRefused) {
  Octets datagram = outer_packet({});
  datagram[0] = 0x4f;
  EXPECT_EQ(judged(datagram), Verdict::outer_malformed);
  datagram.resize(100);
  EXPECT_EQ(judged(datagram), Verdict::outer_malformed);
}

TEST(Inbound, ATotalLengthBeyondTheDatagramIsRefused) {
  Octets datagram = outer_packet(inner_packet());
  put_word(datagram, 2, datagram.size() + 1);
  EXPECT_EQ(judged(datagram), Verdict::outer_malformed);
}

TEST(Inbound, AFragmentIsRefused) {
  Octets datagram = outer_packet(inner_packet());
  put_word(datagram, 6, 0x2000);
  EXPECT_EQ(judged(datagram), Verdict::outer_malformed);
  put_word(datagram, 6, 1);
  EXPECT_EQ(judged(datagram), Verdict::outer_malformed);
  put_word(datagram, 6, 0x4000);  // DF is no fragment
  EXPECT_EQ(judged(datagram), Verdict::pass);
}

// RFC 4213 §3.6, §5: both outer addresses must be those of the tunnel.
TEST(Inbound, AnotherOuterAddressIsRefused) {
  EXPECT_EQ(judged(outer_packet(inner_packet(), {.source = "198.51.100.3"})), Verdict::outer_source_mismatch);
  EXPECT_EQ(judged(outer_packet(inner_packet(), {.destination = "192.0.2.2"})),
            Verdict::outer_destination_mismatch);
  EXPECT_EQ(judged(outer_packet(inner_packet(), {.source = "192.0.2.1", .destination = "198.51.100.2"})),
            Verdict::outer_source_mismatch);
}

TEST(Inbound, Ipv4OptionsAreSkipped) {
  const Octets inner = inner_packet();
  Octets datagram = outer_packet(inner, {.router_alert = true});
  ASSERT_EQ(datagram[0], 0x46);
  const Decapsulated result = decapsulate(near_parameters(), datagram);
  EXPECT_EQ(result.verdict, Verdict::pass);
  EXPECT_EQ(octets_of(result.packet.bytes), inner);
}

// RFC 4213 §3.6: the inner length comes from the inner header.
TEST(Inbound, PaddingIsCut) {
  const Octets inner = inner_packet();
  Octets padded = inner;
  padded.insert(padded.end(), 9, 0xee);
  Octets in_outer = outer_packet(padded);
  Octets behind_outer = outer_packet(inner);
  behind_outer.insert(behind_outer.end(), 9, 0xee);
  for (Octets* datagram : {&in_outer, &behind_outer}) {
    const Decapsulated result = decapsulate(near_parameters(), *datagram);
    EXPECT_EQ(result.verdict, Verdict::pass);
    EXPECT_EQ(octets_of(result.packet.bytes), inner);
    EXPECT_EQ(result.wire_bytes, inner.size());
  }
}

TEST(Inbound, BytesBehindTheOuterPacketAreNotTakenForTheInnerOne) {
  Octets datagram = outer_packet(inner_packet());
  put_word(datagram, 2, datagram.size() - 1);
  EXPECT_EQ(judged(datagram), Verdict::inner_malformed);
}

TEST(Inbound, AnInnerPacketOfAnotherVersionIsRefused) {
  Octets inner = inner_packet();
  for (const std::uint8_t version : {std::uint8_t{0x00}, std::uint8_t{0x45}, std::uint8_t{0x70}}) {
    inner[0] = version;
    EXPECT_EQ(judged(outer_packet(inner)), Verdict::inner_malformed);
  }
}

TEST(Inbound, APacketCutAtAnyByteIsRefused) {
  const Octets whole = outer_packet(inner_packet());
  for (std::size_t length = 0; length < whole.size(); ++length) {
    Octets cut(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(length));
    EXPECT_EQ(judged(cut), Verdict::outer_malformed) << length;
    if (length < 20) continue;
    put_word(cut, 2, length);  // cut, with a matching length field
    EXPECT_EQ(judged(cut), Verdict::inner_malformed) << length;
  }
}

// RFC 4213 §3.6
TEST(Inbound, SourcesThatNoPacketMayHaveAreRefused) {
  for (const char* source : {"ff00::", "ff02::1", "ff0e::1234", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
                             "::1", "::2", "::192.0.2.1", "::255.255.255.255", "::0.1.0.0", "::ffff:0.0.0.0",
                             "::ffff:192.0.2.1", "::ffff:255.255.255.255"}) {
    EXPECT_EQ(judged(outer_packet(inner_from(source))), Verdict::inner_source_invalid) << source;
  }
}

TEST(Inbound, LegitimateSourcesPass) {
  for (const char* source :
       {"::", "2002::1", "2002:c000:201::1", "2002:c633:6402::1", "2001:db8:2::b", "fe80::c633:6402",
        "fec0::1", "fd00::1", "64:ff9b::c000:201", "::fffe:192.0.2.1", "::1:ffff:192.0.2.1", "0:0:0:0:1::1",
        "0:0:0:0:0:1:0:1", "100::", "::ff:192.0.2.1", "::ff00:192.0.2.1", "feff::1"}) {
    EXPECT_EQ(judged(outer_packet(inner_from(source))), Verdict::pass) << source;
  }
}

TEST(Inbound, OurOwnSourcesAreRefusedFromOutside) {
  for (const char* source : {"2001:db8:1::", "2001:db8:1::a", "2001:db8:1:ffff:ffff:ffff:ffff:ffff"}) {
    EXPECT_EQ(judged(outer_packet(inner_from(source))), Verdict::inner_source_ours) << source;
  }
  for (const char* source : {"2001:db8:0:ffff:ffff:ffff:ffff:ffff", "2001:db8:2::"}) {
    EXPECT_EQ(judged(outer_packet(inner_from(source))), Verdict::pass) << source;
  }
}

TEST(Inbound, EveryPrefixOfOursIsLookedAt) {
  TunnelParameters parameters = near_parameters();
  parameters.ours.push_back({{{0x20, 0x01, 0x0d, 0xb8, 0, 9, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}}, 128});
  EXPECT_EQ(judged(outer_packet(inner_from("2001:db8:9::1")), parameters), Verdict::inner_source_ours);
  EXPECT_EQ(judged(outer_packet(inner_from("2001:db8:9::2")), parameters), Verdict::pass);
}

TEST(Inbound, WithoutTheIngressFilterOurOwnSourcesPass) {
  TunnelParameters parameters = near_parameters();
  parameters.ingress_filter = false;
  EXPECT_EQ(judged(outer_packet(inner_from("2001:db8:1::a")), parameters), Verdict::pass);
  EXPECT_EQ(judged(outer_packet(inner_from("ff02::1")), parameters), Verdict::inner_source_invalid);
}

// RFC 6040 §4.2, figure 4; rows and columns in the order of the two bits.
TEST(Inbound, EcnOfBothHeadersMakesTheInnerOne) {
  constexpr int drop = -1;
  constexpr int figure_4[4][4] = {{0, 0, 0, drop}, {1, 1, 1, 3}, {2, 1, 2, 3}, {3, 3, 3, 3}};
  for (unsigned inner = 0; inner < 4; ++inner) {
    for (unsigned outer = 0; outer < 4; ++outer) {
      Octets expected = inner_packet(100, static_cast<std::uint8_t>(0xb8U | inner));
      Octets datagram = outer_packet(expected, {.tos = static_cast<std::uint8_t>(0x40U | outer)});
      const Decapsulated result = decapsulate(near_parameters(), datagram);
      if (figure_4[inner][outer] == drop) {
        EXPECT_EQ(result.verdict, Verdict::ecn_invalid);
        continue;
      }
      ASSERT_EQ(result.verdict, Verdict::pass);
      const unsigned traffic_class = 0xb8U | static_cast<unsigned>(figure_4[inner][outer]);
      put_word(expected, 0, 0x6001U | traffic_class << 4U);  // the flow label begins with 1
      EXPECT_EQ(octets_of(result.packet.bytes), expected) << inner << " in " << outer;
    }
  }
}

TEST(Inbound, InnerFragmentsAreNotTouched) {
  for (const auto& fragment :
       {fragment_extension(0, true), fragment_extension(1448, true), fragment_extension(2896, false)}) {
    Tcp fields{
        .payload = payload_of(1000), .extensions = {fragment}, .source = far_host, .destination = near_host};
    for (const Octets& inner : {packet_of(fields), unfinished(fields).bytes}) {
      Octets datagram = outer_packet(inner);
      const Decapsulated result = decapsulate(near_parameters(), datagram);
      EXPECT_EQ(result.verdict, Verdict::pass);
      EXPECT_EQ(octets_of(result.packet.bytes), inner);
      EXPECT_EQ(result.packet.offload, wire::VnetHeader{});
    }
  }
}

TEST(Inbound, WhatIsNeitherTcpNorUdpPasses) {
  Octets echo = serialized(far_host, near_host, 0, Tins::ICMPv6(Tins::ICMPv6::ECHO_REQUEST));
  Octets nothing = serialized(far_host, near_host, 0, Tins::RawPDU(Octets{}));
  nothing[6] = 59;
  for (const Octets& inner : {echo, nothing}) {
    Octets datagram = outer_packet(inner);
    const Decapsulated result = decapsulate(near_parameters(), datagram);
    EXPECT_EQ(result.verdict, Verdict::pass);
    EXPECT_EQ(octets_of(result.packet.bytes), inner);
    EXPECT_EQ(result.packet.offload, wire::VnetHeader{});
  }
}

}  // namespace
}  // namespace sixin4::engine
