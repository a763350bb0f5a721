// Packets as lines and as JSON: cases that decode_test.py does not compare with tcpdump.
#include "sixin4/dissect/packet_text.hpp"

#include <cstdint>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <tins/tins.h>

#include "sixin4/dissect/packet_json.hpp"

namespace sixin4::dissect {
namespace {

using Octets = std::vector<std::uint8_t>;
using nlohmann::json;

const std::string addresses = "IP6 2001:db8::1 > 2001:db8::2: ";

Octets with(const Tins::PDU& payload) {
  return (Tins::IPv6("2001:db8::2", "2001:db8::1") / payload).serialize();
}

Octets icmpv6(std::uint8_t type, std::uint8_t code) {
  Tins::ICMPv6 message(static_cast<Tins::ICMPv6::Types>(type));
  message.code(code);
  return with(message / Tins::RawPDU(Octets(40, 0)));
}

TEST(PacketText, NamesIcmpv6Messages) {
  EXPECT_TRUE(
      describe_packet(icmpv6(1, 0)).starts_with(addresses + "ICMP6, destination unreachable, no route"));
  EXPECT_TRUE(describe_packet(icmpv6(1, 5))
                  .starts_with(addresses + "ICMP6, destination unreachable, source address failed policy"));
  EXPECT_TRUE(
      describe_packet(icmpv6(1, 9)).starts_with(addresses + "ICMP6, destination unreachable, code 9"));
  EXPECT_TRUE(describe_packet(icmpv6(3, 0)).starts_with(addresses + "ICMP6, time exceeded in-transit"));
  EXPECT_TRUE(describe_packet(icmpv6(4, 0)).starts_with(addresses + "ICMP6, parameter problem, octet 0"));
  EXPECT_TRUE(describe_packet(icmpv6(135, 0)).starts_with(addresses + "ICMP6, neighbor solicitation"));
  EXPECT_TRUE(describe_packet(icmpv6(200, 7)).starts_with(addresses + "ICMP6, type 200, code 7"));
}

TEST(PacketText, NamesFlagsAsTcpdumpDoes) {
  Tins::TCP tcp(80, 4000);
  tcp.flags(0xff);
  tcp.seq(0xffffffff);
  tcp.ack_seq(9);
  tcp.window(100);
  EXPECT_EQ(
      describe_packet(with(tcp / Tins::RawPDU("12345"))),
      "IP6 2001:db8::1.4000 > 2001:db8::2.80: Flags [FSRP.UEW], seq 4294967295:4, ack 9, win 100, length 5");
  tcp.flags(0);
  EXPECT_EQ(describe_packet(with(tcp)),
            "IP6 2001:db8::1.4000 > 2001:db8::2.80: Flags [none], win 100, length 0");
}

TEST(PacketText, SaysWhatATcpHeaderLiesAbout) {
  Octets packet = with(Tins::TCP(80, 4000));
  packet[40 + 12] = 0xf0;
  EXPECT_TRUE(describe_packet(packet).ends_with("[bad header length 60], length 20 [malformed]"));
}

TEST(PacketText, OfAHeaderThatDoesNotFitItsPacket) {
  Octets packet = with(Tins::RawPDU(Octets{'1', '2', '3', '4', '5', '6', '7'}));
  for (const auto& [protocol, name] : {std::pair{6, "TCP"}, {17, "UDP"}, {58, "ICMP6"}, {1, "ICMP"}}) {
    packet[6] = static_cast<std::uint8_t>(protocol);
    EXPECT_TRUE(describe_packet(packet).ends_with(std::string{": "} + name + " [malformed]")) << name;
    // A packet that was not captured whole is not malformed.
    packet[5] = 60;
    EXPECT_TRUE(describe_packet(packet, 100).ends_with(std::string{": "} + name + " [truncated]")) << name;
    packet[5] = 7;
  }
}

/// IPv4 with options inside IPv6, cut to `kept` bytes.
Octets ipv4_in_ipv6(std::size_t kept) {
  Tins::IP ipv4 = Tins::IP("10.0.0.2", "10.0.0.1") / Tins::TCP(80, 4000);
  for (int i = 0; i < 36; ++i) ipv4.add_option(Tins::IP::option(1));
  Octets packet = with(Tins::RawPDU(ipv4.serialize()));
  packet[6] = 4;
  packet.resize(kept);
  return packet;
}

TEST(PacketText, MakesUpNoPortsWhereOptionsAreCutOff) {
  constexpr std::size_t whole = 40 + 20 + 36 + 20;
  EXPECT_EQ(describe_packet(ipv4_in_ipv6(40 + 30), whole), addresses + "IP 10.0.0.1 > 10.0.0.2: [truncated]");
  EXPECT_TRUE(
      describe_packet(ipv4_in_ipv6(whole)).starts_with(addresses + "IP 10.0.0.1.4000 > 10.0.0.2.80: "));
}

TEST(PacketText, OfAFragmentWhoseOptionsAreCutOff) {
  Octets packet = ipv4_in_ipv6(40 + 30);
  packet[40 + 6] = 0x20;
  packet[40 + 4] = 0;
  packet[40 + 5] = 9;
  EXPECT_EQ(describe_packet(packet, 40 + 20 + 36 + 20),
            addresses + "IP 10.0.0.1 > 10.0.0.2: frag (9:20@0+) [truncated]");
}

TEST(PacketText, OfFragmentsThatNeverBecameAPacket) {
  IncompletePacket packet{.key = {.source = {{{192, 0, 2, 1}}},
                                  .destination = {{{198, 51, 100, 1}}},
                                  .identification = 300,
                                  .protocol = 41},
                          .time = {},
                          .fragments = 1};
  EXPECT_EQ(describe_incomplete(packet),
            "IP 192.0.2.1 > 198.51.100.1: frag (300: 1 fragment) ip-proto-41 [incomplete]");
  packet.fragments = 2;
  packet.malformed = true;
  EXPECT_EQ(describe_incomplete(packet),
            "IP 192.0.2.1 > 198.51.100.1: frag (300: 2 fragments) ip-proto-41 [malformed]");
}

TEST(PacketText, OfWhatIsNoPacket) {
  EXPECT_EQ(describe_packet({}), "[malformed]");
  EXPECT_EQ(describe_packet({}, 60), "[truncated]");
  EXPECT_EQ(describe_packet(Octets{0x50, 0, 0, 0}), "[malformed]");
}

TEST(PacketText, OfOtherProtocols) {
  Octets packet = with(Tins::RawPDU(Octets(10, 0)));
  packet[6] = 89;
  EXPECT_EQ(describe_packet(packet), addresses + "ip-proto-89, length 10");
  packet[6] = 59;
  EXPECT_EQ(describe_packet(packet), addresses + "no next header, length 10");
}

TEST(PacketText, TellsTheTimeToTheMicrosecond) {
  using namespace std::chrono_literals;
  const std::string text = time_text(1700000000s + 1234567ns);
  EXPECT_EQ(text.size(), std::string{"22:13:20.001234"}.size());
  EXPECT_TRUE(text.ends_with(":20.001234")) << text;
}

TEST(PacketJson, IsALineThatParses) {
  Tins::IP outer = Tins::IP("198.51.100.1", "192.0.2.1") / Tins::RawPDU(icmpv6(128, 0));
  outer.protocol(41);
  outer.ttl(61);
  const Octets packet = outer.serialize();
  const std::string line =
      packet_json(take_apart(packet, packet.size()), {.time = std::chrono::nanoseconds{5}, .fragments = 2});
  EXPECT_EQ(line.find('\n'), line.size() - 1);
  const json object = json::parse(line);
  EXPECT_EQ(object.at("time"), "0.000000005");
  EXPECT_EQ(object.at("fragments"), 2);
  EXPECT_EQ(object.at("layers").size(), 2U);
  EXPECT_EQ(object.at("layers").at(0).at("ttl"), 61);
  EXPECT_EQ(object.at("layers").at(0).at("protocol"), 41);
  EXPECT_EQ(object.at("icmpv6").at("type"), 128);
  EXPECT_EQ(object.at("truncated"), false);
}

TEST(PacketJson, BelievesNoTcpHeaderThatDoesNotFit) {
  Octets packet = with(Tins::TCP(80, 4000) / Tins::RawPDU("12345"));
  const auto tcp_of = [](const Octets& bytes) {
    return json::parse(packet_json(take_apart(bytes, bytes.size()), {}));
  };
  EXPECT_EQ(tcp_of(packet).at("tcp").at("length"), 5);
  EXPECT_EQ(tcp_of(packet).at("malformed"), false);
  for (const unsigned words : {0U, 4U, 7U}) {  // of 4 bytes; the segment has 25 bytes
    packet[40 + 12] = static_cast<std::uint8_t>(words << 4U);
    EXPECT_TRUE(tcp_of(packet).at("tcp").at("length").is_null());
    EXPECT_EQ(tcp_of(packet).at("tcp").at("source_port"), 4000);
    EXPECT_EQ(tcp_of(packet).at("malformed"), true);
  }
}

TEST(PacketJson, HasNullForWhatIsNotThere) {
  const Octets packet = with(Tins::TCP(80, 4000));
  const json object = json::parse(packet_json(take_apart(wire::Bytes{packet}.first(50), packet.size()), {}));
  EXPECT_TRUE(object.at("tcp").is_null());
  EXPECT_EQ(object.at("truncated"), true);
}

}  // namespace
}  // namespace sixin4::dissect
