// 6in4 inside GRE, VXLAN and Geneve, with headers by their RFCs.
#include <cstdint>
#include <utility>
#include <vector>

#include <gtest/gtest.h>
#include <tins/tins.h>

#include "sixin4/dissect/layers.hpp"

namespace sixin4::dissect {
namespace {

using Octets = std::vector<std::uint8_t>;

Octets joined(Octets front, const Octets& back) {
  front.insert(front.end(), back.begin(), back.end());
  return front;
}

Octets tunnelled() {
  Tins::IP outer =
      Tins::IP("198.51.100.1", "192.0.2.1") /
      Tins::RawPDU(
          (Tins::IPv6("2001:db8::1", "2001:db8::2") / Tins::UDP(53, 4000) / Tins::RawPDU("x")).serialize());
  outer.protocol(41);
  return outer.serialize();
}

const Octets ethernet{2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0};
const Octets tagged{2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 0x81, 0, 0, 5, 8, 0};
const Octets labels{0, 1, 0, 64, 0, 2, 1, 64};

Octets in_ipv4(std::uint8_t protocol, const Octets& payload) {
  Tins::IP outer = Tins::IP("203.0.113.1", "203.0.113.2") / Tins::RawPDU(payload);
  outer.protocol(protocol);
  return outer.serialize();
}

Octets in_ipv6(std::uint8_t protocol, const Octets& payload) {
  Tins::IPv6 outer = Tins::IPv6("2001:db8:7::1", "2001:db8:7::2") / Tins::RawPDU(payload);
  Octets packet = outer.serialize();
  packet[6] = protocol;  // libtins does not set it for a payload that it does not know
  return packet;
}

Octets datagram(std::uint16_t port, const Octets& payload) {
  return (Tins::UDP(port, 50000) / Tins::RawPDU(payload)).serialize();
}

struct Case {
  const char* name;
  std::uint8_t protocol;
  Octets payload;
  Carrier carrier;
  std::uint32_t network = 0;
};

std::vector<Case> cases() {
  const Octets vxlan{8, 0, 0, 0, 0x12, 0x34, 0x56, 0};
  const Octets geneve{0, 0, 0x65, 0x58, 0, 0, 7, 0};
  const Octets geneve_ip{2, 0, 0x08, 0x00, 0, 0, 7, 0, 1, 2, 3, 1, 0, 0, 0, 0};
  const Octets packet = tunnelled();
  const Octets frame = joined(ethernet, packet);
  return {
      {"GRE", 47, joined({0, 0, 8, 0}, packet), Carrier::gre},
      {"GRE with a checksum", 47, joined({0x80, 0, 8, 0, 1, 2, 3, 4}, packet), Carrier::gre},
      {"GRE with all fields", 47, joined({0xb0, 0, 8, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 9, 9, 9}, packet),
       Carrier::gre},
      {"GRE with a key, Ethernet", 47, joined({0x20, 0, 0x65, 0x58, 0, 0, 5, 0}, frame), Carrier::gre},
      {"GRE with a tagged frame", 47, joined({0, 0, 0x65, 0x58}, joined(tagged, packet)), Carrier::gre},
      {"GRE with MPLS", 47, joined({0, 0, 0x88, 0x47}, joined(labels, packet)), Carrier::gre},
      {"PPTP", 47,
       joined({0x30, 0x81, 0x88, 0x0b, 0, 80, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 0xff, 3, 0, 0x21}, packet),
       Carrier::gre},
      {"VXLAN", 17, datagram(4789, joined(vxlan, frame)), Carrier::vxlan, 0x123456},
      {"VXLAN of old", 17, datagram(8472, joined(vxlan, joined(tagged, packet))), Carrier::vxlan, 0x123456},
      {"Geneve", 17, datagram(6081, joined(geneve, frame)), Carrier::geneve, 7},
      {"Geneve with options, IP", 17, datagram(6081, joined(geneve_ip, packet)), Carrier::geneve, 7},
  };
}

TEST(Carriers, HaveTunnelsInside) {
  for (const Case& one : cases()) {
    for (const Octets& packet : {in_ipv4(one.protocol, one.payload), in_ipv6(one.protocol, one.payload)}) {
      const Layers layers = take_apart(packet, packet.size());
      ASSERT_EQ(layers.count, 3U) << one.name;
      EXPECT_EQ(layers.end, LayersEnd::payload) << one.name;
      EXPECT_EQ(layers.all[0].carrier, one.carrier) << one.name;
      EXPECT_EQ(layers.all[0].network, one.network) << one.name;
      EXPECT_EQ(layers.all[1].carrier, Carrier::none) << one.name;
      EXPECT_EQ(layers.outer_6in4(), 1U) << one.name;
      EXPECT_EQ(layers.all[1].length, tunnelled().size()) << one.name;
      EXPECT_EQ(layers.all[1].missing, 0U) << one.name;
      EXPECT_FALSE(layers.is_truncated()) << one.name;
    }
  }
}

TEST(Carriers, ShowNoMoreWhereTheCaptureEndsEarlier) {
  for (const Case& one : cases()) {
    const Octets packet = in_ipv4(one.protocol, one.payload);
    std::size_t count = 0;
    for (std::size_t kept = 0; kept <= packet.size(); ++kept) {
      const Layers layers = take_apart(wire::Bytes{packet}.first(kept), packet.size());
      EXPECT_GE(layers.count, count) << one.name << ' ' << kept;
      EXPECT_NE(layers.end, LayersEnd::malformed) << one.name << ' ' << kept;
      EXPECT_EQ(layers.is_truncated(), kept < packet.size()) << one.name << ' ' << kept;
      count = layers.count;
    }
    EXPECT_EQ(count, 3U) << one.name;
  }
}

TEST(Carriers, AreNotSeenInWhatOnlyLooksLikeThem) {
  const Octets packet = tunnelled();
  const Octets frame = joined(ethernet, packet);
  const std::vector<std::pair<std::uint8_t, Octets>> others{
      {47, joined({0, 2, 8, 0}, packet)},                                      // GRE of version 2
      {47, joined({0x40, 0, 8, 0}, packet)},                                   // with routing
      {47, joined({0, 0, 8, 6}, packet)},                                      // ARP
      {47, joined({0, 0, 8, 0}, Octets(40, 0x50))},                            // IP of version 5
      {17, datagram(4789, joined({0, 0, 0, 0, 0, 0, 5, 0}, frame))},           // without a network identifier
      {17, datagram(4790, joined({8, 0, 0, 0, 0, 0, 5, 0}, frame))},           // another port
      {17, datagram(6081, joined({0x40, 0, 0x65, 0x58, 0, 0, 5, 0}, frame))},  // Geneve of version 1
      {17, datagram(6081, joined({0x3f, 0, 0x65, 0x58, 0, 0, 5, 0}, frame))},  // options without an end
      {6, joined({0, 80, 0x12, 0xb5}, frame)},
  };
  for (const auto& [protocol, payload] : others) {
    const Octets bytes = in_ipv4(protocol, payload);
    const Layers layers = take_apart(bytes, bytes.size());
    EXPECT_EQ(layers.count, 1U) << int{protocol};
    EXPECT_EQ(layers.all[0].carrier, Carrier::none);
  }
}

TEST(Carriers, InOneAnotherAreFollowedToTheBound) {
  Octets packet = tunnelled();
  for (std::size_t carriers = 1; carriers < 8; ++carriers) {
    packet = in_ipv4(47, joined({0, 0, 8, 0}, packet));
    const Layers layers = take_apart(packet, packet.size());
    EXPECT_EQ(layers.count, std::min<std::size_t>(carriers + 2, 5));
    EXPECT_EQ(layers.end, carriers + 2 > 5 ? LayersEnd::too_deep : LayersEnd::payload) << carriers;
  }
}

TEST(Carriers, OfAFragmentAreNotFollowed) {
  Octets packet = in_ipv4(47, joined({0, 0, 8, 0}, tunnelled()));
  packet[6] = 0x20;  // more fragments
  EXPECT_EQ(take_apart(packet, packet.size()).count, 1U);
}

TEST(Carriers, CutTheCarriedPacketWhereTheDatagramEnds) {
  Octets payload = datagram(4789, joined({8, 0, 0, 0, 0, 0, 5, 0}, joined(ethernet, tunnelled())));
  payload[5] = static_cast<std::uint8_t>(payload[5] - 9);
  const Octets packet = in_ipv4(17, payload);
  const Layers layers = take_apart(packet, packet.size());
  ASSERT_EQ(layers.count, 3U);
  EXPECT_EQ(layers.all[1].missing, 9U);
}

}  // namespace
}  // namespace sixin4::dissect
