// ICMP errors of the IPv4 side: which count, what they say about the path, and which sender gets an error.
#include "sixin4/engine/wire_error.hpp"

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "packets.hpp"

namespace sixin4::engine {
namespace {

using namespace test;

TunnelParameters dynamic_parameters() {
  TunnelParameters parameters = near_parameters();
  parameters.pmtudisc = true;
  parameters.dont_fragment = true;
  return parameters;
}

Outer sent_by_us() {
  return {.source = "192.0.2.1", .destination = "198.51.100.2"};
}

Octets inner_packet() {
  return packet_of(Udp{.payload = payload_of(1400)});
}

/// A packet of ours, as far as a router quotes it.
Octets quoted(std::size_t inner_length = 1448, const Outer& outer = sent_by_us()) {
  Octets packet = outer_packet(inner_packet(), outer);
  packet.resize(20 + inner_length);
  return packet;
}

Translated translated(std::uint8_t type, std::uint8_t code, const Octets& quote, std::uint16_t mtu = 0,
                      const TunnelParameters& parameters = dynamic_parameters()) {
  return translate(parameters, {.type = type, .code = code, .mtu = mtu, .quoted = quote});
}

constexpr wire::icmpv6::Error address_unreachable{.type = 1, .code = 3, .parameter = 0};

// RFC 4213 §3.4
TEST(WireError, UnreachablesAndTimeExceededBecomeAddressUnreachable) {
  const Octets quote = quoted();
  const Octets inner = inner_packet();
  for (const std::uint8_t code : std::initializer_list<std::uint8_t>{0, 1, 2, 3, 5, 9, 10, 13}) {
    const Translated result = translated(3, code, quote);
    ASSERT_TRUE(result.ours && result.answer) << int{code};
    EXPECT_EQ(result.answer->error, address_unreachable);
    EXPECT_EQ(octets_of(result.answer->offending), inner);
    EXPECT_EQ(result.path_mtu, std::nullopt);
  }
  for (const std::uint8_t code : std::initializer_list<std::uint8_t>{0, 1}) {
    const Translated result = translated(11, code, quote);
    ASSERT_TRUE(result.answer) << int{code};
    EXPECT_EQ(result.answer->error, address_unreachable);
  }
}

TEST(WireError, OtherTypesTellNothing) {
  const Octets quote = quoted();
  for (const std::uint8_t type : std::initializer_list<std::uint8_t>{0, 4, 5, 8, 12, 255}) {
    const Translated result = translated(type, 0, quote);
    EXPECT_TRUE(result.ours) << int{type};
    EXPECT_FALSE(result.answer || result.path_mtu) << int{type};
  }
}

TEST(WireError, FragmentationNeededTeachesThePathMtuAndIsPassedOn) {
  const Octets quote = quoted();
  const Translated result = translated(3, 4, quote, 1400);
  EXPECT_EQ(result.path_mtu, 1400);
  ASSERT_TRUE(result.answer);
  EXPECT_EQ(result.answer->error, wire::icmpv6::packet_too_big(1380));
}

// RFC 4213 §3.2.2
TEST(WireError, APathBelow1300IsPassedOnAs1280) {
  for (const std::uint16_t mtu : std::initializer_list<std::uint16_t>{1299, 1000, 68}) {
    const Translated result = translated(3, 4, quoted(), mtu);
    EXPECT_EQ(result.path_mtu, mtu);
    ASSERT_TRUE(result.answer);
    EXPECT_EQ(result.answer->error, wire::icmpv6::packet_too_big(1280));
  }
}

TEST(WireError, PacketTooBigNeverTellsMoreThanTheTunnelMtu) {
  const Translated result = translated(3, 4, quoted(), 9000);
  ASSERT_TRUE(result.answer);
  EXPECT_EQ(result.answer->error, wire::icmpv6::packet_too_big(1480));
}

// RFC 1191 §5: a router that reports no next-hop MTU.
TEST(WireError, WithoutANextHopMtuThePlateauBelowThePacketIsTaken) {
  EXPECT_EQ(translated(3, 4, quoted(), 0).path_mtu, 1006) << "the quoted packet had 1468 bytes";
}

TEST(WireError, AnMtuThatNoLinkHasIsIgnored) {
  for (const std::uint16_t mtu : std::initializer_list<std::uint16_t>{1, 67}) {
    const Translated result = translated(3, 4, quoted(), mtu);
    EXPECT_TRUE(result.ours);
    EXPECT_FALSE(result.path_mtu || result.answer) << mtu;
  }
}

// RFC 4213 §3.2.1: with DF clear no router has a reason to report this.
TEST(WireError, AStaticMtuIgnoresFragmentationNeeded) {
  const Translated result = translated(3, 4, quoted(), 1400, near_parameters());
  EXPECT_TRUE(result.ours);
  EXPECT_FALSE(result.path_mtu || result.answer);
}

TEST(WireError, AShortQuoteTeachesThePathMtuOnly) {
  for (const std::size_t length : {std::size_t{0}, std::size_t{8}, ipv6_header - 1}) {
    const Octets quote = quoted(length);
    EXPECT_EQ(translated(3, 4, quote, 1400).path_mtu, 1400) << length;
    EXPECT_FALSE(translated(3, 4, quote, 1400).answer) << length;
    EXPECT_FALSE(translated(3, 1, quote).answer) << length;
  }
  EXPECT_TRUE(translated(3, 1, quoted(ipv6_header)).answer) << "the IPv6 header names the sender";
}

TEST(WireError, WhatStandsBehindTheQuotedPacketIsNotPartOfIt) {
  Octets quote = quoted();
  quote.insert(quote.end(), 16, 0xee);
  EXPECT_EQ(octets_of(translated(3, 1, quote).answer->offending), inner_packet());
}

TEST(WireError, IpOptionsInTheQuoteAreSkipped) {
  Outer outer = sent_by_us();
  outer.router_alert = true;
  const Octets quote = outer_packet(inner_packet(), outer);
  EXPECT_EQ(octets_of(translated(3, 1, quote).answer->offending), inner_packet());
}

TEST(WireError, OnlyAboutOurOwnPacketsItCounts) {
  const std::vector<Outer> strangers{{.source = "192.0.2.9", .destination = "198.51.100.2"},
                                     {.source = "192.0.2.1", .destination = "198.51.100.9"},
                                     {.source = "198.51.100.2", .destination = "192.0.2.1"},
                                     {.source = "192.0.2.1", .destination = "198.51.100.2", .protocol = 17}};
  for (const Outer& outer : strangers) {
    for (const std::uint8_t code : std::initializer_list<std::uint8_t>{1, 4}) {
      const Translated result = translated(3, code, quoted(1448, outer), 1000);
      EXPECT_FALSE(result.ours || result.path_mtu || result.answer) << outer.source;
    }
  }
  EXPECT_FALSE(translated(3, 1, {}).ours);
  EXPECT_FALSE(translated(3, 1, Octets(19, 0x45)).ours);
}

TEST(WireError, ALaterFragmentNamesNobody) {
  Octets quote = quoted();
  put_word(quote, 6, 100);
  EXPECT_TRUE(translated(3, 1, quote).ours);
  EXPECT_FALSE(translated(3, 1, quote).answer);
}

TEST(WireError, ASenderThatTheTunnelRefusesIsNotToldAnything) {
  const auto quote_from = [](const std::string& source) {
    return outer_packet(packet_of(Udp{.payload = payload_of(20), .source = source}), sent_by_us());
  };
  TunnelParameters parameters = dynamic_parameters();
  EXPECT_TRUE(translated(3, 1, quote_from(near_host), 0, parameters).answer);
  EXPECT_FALSE(translated(3, 1, quote_from(far_host), 0, parameters).answer);
  parameters.egress_filter = false;
  EXPECT_TRUE(translated(3, 1, quote_from(far_host), 0, parameters).answer);
  EXPECT_FALSE(translated(3, 1, quote_from("::1"), 0, parameters).answer);
  EXPECT_FALSE(translated(3, 1, quote_from("ff02::1"), 0, parameters).answer);
}

TEST(WireError, AQuoteThatIsNoIpv6NamesNobody) {
  Octets quote = quoted();
  quote[20] = 0x45;
  EXPECT_FALSE(translated(3, 1, quote).answer);
}

}  // namespace
}  // namespace sixin4::engine
