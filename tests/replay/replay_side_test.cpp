// The side of the endpoint on which a captured packet was.
#include "replay_side.hpp"

#include <cstdint>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <tins/tins.h>

#include "sixin4/wire/address_text.hpp"

namespace sixin4::replay {
namespace {

using Octets = std::vector<std::uint8_t>;

const std::string local = "192.0.2.1";
const std::string remote = "198.51.100.1";
const std::string router = "203.0.113.9";
const std::string ours = "2001:db8:1::2";
const std::string theirs = "2001:db8:ffff::1";

engine::TunnelParameters parameters() {
  engine::TunnelParameters made;
  made.local = *wire::parse_ipv4_address(local);
  made.remote = *wire::parse_ipv4_address(remote);
  made.error_source = *wire::parse_ipv6_address(ours);
  made.ours = {*wire::parse_ipv6_prefix(ours + "/128"),
               *wire::parse_ipv6_prefix("2001:db8:100::/48"),
               {.address = wire::link_local_of(made.local), .length = 128}};
  return made;
}

Octets bare(const std::string& source, const std::string& destination) {
  return (Tins::IPv6(destination, source) / Tins::UDP(53, 4000) / Tins::RawPDU("payload")).serialize();
}

Octets tunnelled(const std::string& source, const std::string& destination) {
  Tins::IP outer = Tins::IP(destination, source) / Tins::RawPDU(bare(ours, theirs));
  outer.protocol(41);
  return outer.serialize();
}

Octets icmp(const std::string& destination, Tins::ICMP::Flags type, const Octets& quoted) {
  Tins::ICMP message(type);
  message.code(4);
  message.mtu(1400);
  return (Tins::IP(destination, router) / message / Tins::RawPDU(quoted)).serialize();
}

ReplaySide side(const Octets& packet, Framing framing = Framing::bare) {
  return side_of(packet, framing, parameters());
}

TEST(ReplaySide, OfProtocol41IsReadOffItsAddresses) {
  EXPECT_EQ(side(tunnelled(local, remote)), ReplaySide::sent);
  EXPECT_EQ(side(tunnelled(remote, local)), ReplaySide::inward);
  EXPECT_EQ(side(tunnelled(router, local)), ReplaySide::inward);   // from an unknown host
  EXPECT_EQ(side(tunnelled(remote, router)), ReplaySide::inward);  // for another address of this host
  EXPECT_EQ(side(tunnelled(local, router)), ReplaySide::other);    // another tunnel
  EXPECT_EQ(side(tunnelled(router, remote)), ReplaySide::other);
}

TEST(ReplaySide, OfIpv6IsOutwardUnlessItIsForUs) {
  EXPECT_EQ(side(bare(ours, theirs)), ReplaySide::outward);
  EXPECT_EQ(side(bare("2001:db8:100::9", theirs)), ReplaySide::outward);
  EXPECT_EQ(side(bare("2001:db8:bad::1", theirs)), ReplaySide::outward);  // the egress filter refuses it
  EXPECT_EQ(side(bare(theirs, ours)), ReplaySide::received);
  EXPECT_EQ(side(bare(theirs, "2001:db8:100::9")), ReplaySide::received);
  EXPECT_EQ(side(bare(ours, "2001:db8:100::9")), ReplaySide::outward);
  EXPECT_EQ(side(bare("fe80::c633:6401", "ff02::1")), ReplaySide::received);
  EXPECT_EQ(side(bare("fe80::c000:201", "ff02::1")), ReplaySide::outward);
}

TEST(ReplaySide, OfIpv6OnAnotherLinkIsOfThatLinkWhereNoRouterPassesItOn) {
  const std::string neighbour = "fe80::1234:56ff:fe78:9abc";
  const std::vector<std::pair<std::string, std::string>> local_packets{
      {neighbour, "ff02::fb"}, {neighbour, "fe80::2"}, {neighbour, theirs}, {theirs, "fe80::2"},
      {ours, "ff02::1"},       {"::", "ff02::16"},     {"::1", "::1"},      {ours, "ff11::1"}};
  for (const auto& [source, destination] : local_packets) {
    EXPECT_EQ(side(bare(source, destination), Framing::link), ReplaySide::other) << source << destination;
    EXPECT_EQ(side(bare(source, destination)), ReplaySide::outward) << source << destination;
  }
  EXPECT_EQ(side(bare(ours, theirs), Framing::link), ReplaySide::outward);
  EXPECT_EQ(side(bare("2001:db8:bad::1", theirs), Framing::link), ReplaySide::outward);
  EXPECT_EQ(side(bare(ours, "ff0e::1"), Framing::link), ReplaySide::outward);
  EXPECT_EQ(side(bare(theirs, ours), Framing::link), ReplaySide::received);
  // The tunnel's own link-local addresses are on the tunnel only.
  EXPECT_EQ(side(bare("fe80::c000:201", "ff02::2"), Framing::link), ReplaySide::outward);
  EXPECT_EQ(side(bare("fe80::c633:6401", "ff02::1"), Framing::link), ReplaySide::received);
}

TEST(ReplaySide, AWrongIpv4HeaderChecksumArrivesNowhere) {
  for (const std::string& source : {remote, router}) {
    Octets packet = tunnelled(source, local);
    packet[10] ^= 0x55;
    EXPECT_EQ(side(packet), ReplaySide::other);
  }
  Octets error = icmp(local, Tins::ICMP::DEST_UNREACHABLE, tunnelled(local, remote));
  error[10] ^= 0x55;
  EXPECT_EQ(side(error), ReplaySide::other);
  // Checksum offload may finish packets that this end sends after they are captured.
  Octets sent = tunnelled(local, remote);
  sent[10] = sent[11] = 0;
  EXPECT_EQ(side(sent), ReplaySide::sent);
}

TEST(ReplaySide, NobodyBelievesAnIcmpErrorWithAWrongChecksum) {
  Octets packet = icmp(local, Tins::ICMP::DEST_UNREACHABLE, tunnelled(local, remote));
  EXPECT_EQ(side(packet), ReplaySide::error);
  packet[22] ^= 0x55;
  EXPECT_EQ(side(packet), ReplaySide::other);
  packet.pop_back();  // not captured whole: the checksum cannot be checked
  EXPECT_EQ(side(packet), ReplaySide::error);
}

/// An ICMPv6 error from our address that quotes a packet.
Octets error_about(const std::string& source, const std::string& destination) {
  Tins::ICMPv6 message(Tins::ICMPv6::PACKET_TOOBIG);
  return (Tins::IPv6(source, ours) / message / Tins::RawPDU(bare(source, destination))).serialize();
}

TEST(ReplaySide, OfAnIcmpv6ErrorDependsOnWhatItIsAbout) {
  // The tunnel's own error about an outward packet.
  EXPECT_EQ(side(error_about(ours, theirs)), ReplaySide::received);
  EXPECT_EQ(side(error_about("2001:db8:bad::1", theirs)), ReplaySide::received);
  // The host's error about a packet that came in for another host of our prefix.
  EXPECT_EQ(side(error_about(theirs, "2001:db8:100::9")), ReplaySide::outward);
}

TEST(ReplaySide, OfIcmpErrorsAboutATunnelIsTheWires) {
  const auto unreachable = Tins::ICMP::DEST_UNREACHABLE;
  EXPECT_EQ(side(icmp(local, unreachable, tunnelled(local, remote))), ReplaySide::error);
  EXPECT_EQ(side(icmp(local, unreachable, tunnelled(router, remote))), ReplaySide::error);
  EXPECT_EQ(side(icmp(router, unreachable, tunnelled(local, remote))), ReplaySide::other);
  EXPECT_EQ(side(icmp(local, Tins::ICMP::REDIRECT, tunnelled(local, remote))), ReplaySide::other);
  EXPECT_EQ(side(icmp(local, unreachable, bare(ours, theirs))), ReplaySide::other);
}

TEST(ReplaySide, AnIcmpErrorThatQuotesTooLittleReachesNoRawSocket) {
  Octets quoted = tunnelled(local, remote);
  quoted.resize(20 + 8);
  const Octets enough = icmp(local, Tins::ICMP::DEST_UNREACHABLE, quoted);
  EXPECT_EQ(side(enough), ReplaySide::error);
  quoted.pop_back();
  EXPECT_EQ(side(icmp(local, Tins::ICMP::DEST_UNREACHABLE, quoted)), ReplaySide::other);
  EXPECT_EQ(side(Octets(enough.begin(), enough.end() - 1)), ReplaySide::error) << "it was not kept all of";
}

TEST(ReplaySide, AnIcmpErrorTellsItsMtuAndWhatItQuotes) {
  const Octets quoted = tunnelled(local, remote);
  const Octets packet = icmp(local, Tins::ICMP::DEST_UNREACHABLE, quoted);
  const engine::WireError error = wire_error_of(packet);
  EXPECT_EQ(error.type, 3);
  EXPECT_EQ(error.code, 4);
  EXPECT_EQ(error.mtu, 1400);
  ASSERT_GE(error.quoted.size(), quoted.size());
  EXPECT_TRUE(std::ranges::equal(error.quoted.first(quoted.size()), quoted));
}

TEST(ReplaySide, WhatARouterAddsIsNoQuotation) {
  Octets packet = icmp(local, Tins::ICMP::DEST_UNREACHABLE, tunnelled(local, remote));
  packet.resize(20 + 8 + 140);
  packet[2] = 0;
  packet[3] = static_cast<std::uint8_t>(packet.size());
  packet[20 + 5] = 128 / 4;
  EXPECT_EQ(wire_error_of(packet).quoted.size(), 128U);
  packet[20 + 5] = 0;
  EXPECT_EQ(wire_error_of(packet).quoted.size(), 140U);
}

/// TCP with the sum of the pseudo-header in the checksum field, as checksum offload leaves it.
Octets unfinished(std::size_t payload) {
  Tins::TCP tcp(80, 4000);
  tcp.flags(Tins::TCP::ACK | Tins::TCP::CWR);
  Octets packet = (Tins::IPv6(theirs, ours) / tcp / Tins::RawPDU(Octets(payload, 'x'))).serialize();
  const wire::Ipv6Header header{wire::Bytes{packet}.first<wire::ipv6_header_size>()};
  const auto sum = wire::pseudo_header_sum(header.source(), header.destination(),
                                           static_cast<std::uint32_t>(packet.size() - 40), 6);
  wire::store16<0>(std::span{packet}.subspan(40 + 16).first<2>(), sum.folded());
  return packet;
}

TEST(ReplaySide, AnUnfinishedChecksumIsRecognised) {
  EXPECT_EQ(offload_of(bare(ours, theirs), 1280), wire::VnetHeader{});
  const wire::VnetHeader small = offload_of(unfinished(100), 1280);
  EXPECT_TRUE(small.needs_checksum);
  EXPECT_EQ(small.checksum_start, 40);
  EXPECT_EQ(small.checksum_offset, 16);
  EXPECT_EQ(small.gso, wire::Gso::none);
}

TEST(ReplaySide, AndASuperPacketIsCutToTheMtu) {
  const wire::VnetHeader large = offload_of(unfinished(5000), 1480);
  EXPECT_EQ(large.gso, wire::Gso::tcp6);
  EXPECT_EQ(large.gso_size, 1480 - 60);
  EXPECT_EQ(large.header_length, 60);
  EXPECT_TRUE(large.gso_ecn);
}

}  // namespace
}  // namespace sixin4::replay
