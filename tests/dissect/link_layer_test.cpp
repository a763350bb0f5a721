// Link headers of capture files. libtins makes the headers that it knows.
#include "sixin4/dissect/link_layer.hpp"

#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>
#include <pcap/dlt.h>
#include <tins/tins.h>

namespace sixin4::dissect {
namespace {

using Kind = LinkPayload::Kind;
using Octets = std::vector<std::uint8_t>;

Tins::IP ipv4_packet() {
  return Tins::IP("198.51.100.1", "192.0.2.1") / Tins::UDP(53, 4000) / Tins::RawPDU("payload");
}

Octets in_front(Octets header) {
  const Octets packet = ipv4_packet().serialize();
  header.insert(header.end(), packet.begin(), packet.end());
  return header;
}

struct Framed {
  std::string name;
  int link_type;
  Octets frame;
  std::size_t header;             ///< bytes before the IPv4 header
  bool tells_no_version = false;  ///< only the first byte of the packet shows that it is IP
};

std::vector<Framed> framings() {
  const Tins::HWAddress<6> mac("02:00:00:00:00:01");
  Tins::EthernetII ethernet = Tins::EthernetII(mac, mac) / ipv4_packet();
  Tins::EthernetII tagged = Tins::EthernetII(mac, mac) / Tins::Dot1Q(5) / ipv4_packet();
  Tins::SLL cooked = Tins::SLL() / ipv4_packet();
  Tins::SNAP snap = Tins::SNAP() / ipv4_packet();
  Tins::Dot3 dot3 = Tins::Dot3(mac, mac) / snap;
  return {
      {"ethernet", DLT_EN10MB, ethernet.serialize(), 14},
      {"a tag", DLT_EN10MB, tagged.serialize(), 18},
      {"two tags", DLT_EN10MB,
       in_front({2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 0x88, 0xa8, 0, 7, 0x81, 0, 0, 5, 8, 0}), 22},
      {"SNAP", DLT_EN10MB, dot3.serialize(), 22},
      {"cooked", DLT_LINUX_SLL, cooked.serialize(), 16},
      {"loopback", DLT_NULL, in_front({2, 0, 0, 0}), 4},
      {"loopback of another byte order", DLT_NULL, in_front({0, 0, 0, 2}), 4},
      {"loopback in the network's", DLT_LOOP, in_front({0, 0, 0, 2}), 4},
      {"cooked, version 2", DLT_LINUX_SLL2,
       in_front({8, 0, 0, 0, 0, 0, 0, 3, 0, 1, 0, 6, 2, 0, 0, 0, 0, 1, 0, 0}), 20},
      {"cooked, version 2, with a tag", DLT_LINUX_SLL2,
       in_front({0x81, 0, 0, 0, 0, 0, 0, 3, 0, 1, 0, 6, 2, 0, 0, 0, 0, 1, 0, 0, 0, 5, 8, 0}), 24},
      {"cooked, PPPoE", DLT_LINUX_SLL,
       in_front({0, 0, 0, 1, 0, 6, 2, 0, 0, 0, 0, 1, 0, 0, 0x88, 0x64, 0x11, 0, 0x12, 0x34, 0, 64, 0, 0x21}),
       24},
      {"cooked, SNAP", DLT_LINUX_SLL,
       in_front({0, 0, 0, 1, 0, 6, 2, 0, 0, 0, 0, 1, 0, 0, 0, 4, 0xaa, 0xaa, 3, 0, 0, 0, 8, 0}), 24},
      {"cooked, version 2, PPPoE", DLT_LINUX_SLL2,
       in_front({0x88, 0x64, 0, 0, 0, 0, 0,    3, 0,    1,    0, 6,  2, 0,
                 0,    0,    0, 1, 0, 0, 0x11, 0, 0x12, 0x34, 0, 64, 0, 0x21}),
       28},
      {"cooked, version 2, SNAP", DLT_LINUX_SLL2,
       in_front({0, 4, 0, 0, 0, 0, 0, 3, 0, 1, 0, 6, 2, 0, 0, 0, 0, 1, 0, 0, 0xaa, 0xaa, 3, 0, 0, 0, 8, 0}),
       28},
      {"PPP", DLT_PPP, in_front({0x00, 0x21}), 2},
      {"PPP, a compressed protocol", DLT_PPP, in_front({0x21}), 1},
      {"PPP in HDLC", DLT_PPP_SERIAL, in_front({0xff, 0x03, 0x00, 0x21}), 4},
      {"Cisco's HDLC", DLT_C_HDLC, in_front({0x0f, 0x00, 0x08, 0x00}), 4},
      {"PPPoE", DLT_PPP_ETHER, in_front({0x11, 0, 0x12, 0x34, 0, 64, 0x00, 0x21}), 8},
      {"MPLS", DLT_EN10MB,
       in_front({2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 0x88, 0x47, 0, 1, 0, 64, 0, 2, 0x01, 64}), 22, true},
      {"MPLS, Ethernet after a control word", DLT_EN10MB,
       in_front({2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 0x88, 0x47, 0,    1, 0x01, 64, 0, 0,
                 0, 9, 2, 0, 0, 0, 0, 3, 2, 0, 0, 0, 0,    4,    0x81, 0, 0,    5,  8, 0}),
       40},
      {"MPLS in PPP", DLT_PPP, in_front({0x02, 0x81, 0, 1, 0x01, 64}), 6, true},
      {"MPLS in Cisco's HDLC", DLT_C_HDLC, in_front({0x0f, 0x00, 0x88, 0x47, 0, 1, 0x01, 64}), 8, true},
      {"SLIP", DLT_SLIP, in_front(Octets(16, 0)), 16, true},
      {"netfilter log", DLT_NFLOG,
       in_front({2, 0, 0, 5, 8, 0, 1, 0, 8, 0, 3, 0, 5, 0, 10, 0, 'x', 0, 0, 0, 0x44, 0, 9, 0}), 24, true},
      {"netfilter log of another byte order", DLT_NFLOG,
       in_front({2, 0, 0, 5, 0, 8, 0, 1, 8, 0, 3, 0, 0, 6, 0x80, 19, 'x', 'y', 0, 0, 0, 0x44, 0, 9}), 24,
       true},
      {"raw", DLT_RAW, in_front({}), 0, true},
      {"raw, IPv4 only", DLT_IPV4, in_front({}), 0, true},
  };
}

TEST(LinkLayer, FindsThePacketBehindEveryHeader) {
  for (const Framed& framed : framings()) {
    ASSERT_TRUE(knows_link_type(framed.link_type)) << framed.name;
    const LinkPayload payload = strip_link_header(framed.link_type, framed.frame);
    EXPECT_EQ(payload.kind, Kind::ip) << framed.name;
    // The packet of libtins is not compared, because libtins sets its checksum and may pad the frame.
    const Octets packet = ipv4_packet().serialize();
    ASSERT_GE(payload.packet.size(), packet.size()) << framed.name;
    EXPECT_EQ(payload.packet.data(), framed.frame.data() + framed.header) << framed.name;
    EXPECT_TRUE(std::ranges::equal(payload.packet.first(packet.size()), packet)) << framed.name;
  }
}

TEST(LinkLayer, SaysWhereTheCaptureHasKeptTooLittle) {
  for (const Framed& framed : framings()) {
    for (std::size_t kept = 0; kept < framed.header; ++kept) {
      const auto payload = strip_link_header(framed.link_type, wire::Bytes{framed.frame}.first(kept));
      EXPECT_EQ(payload.kind, Kind::cut_short) << framed.name << ' ' << kept;
    }
    const auto payload = strip_link_header(framed.link_type, wire::Bytes{framed.frame}.first(framed.header));
    // Without the first byte of the packet its IP version is unknown.
    EXPECT_EQ(payload.kind, framed.tells_no_version ? Kind::cut_short : Kind::ip) << framed.name;
  }
}

TEST(LinkLayer, TellsOthersFromIp) {
  Octets frame(60, 0);
  frame[12] = 0x08;
  frame[13] = 0x06;  // ARP
  EXPECT_EQ(strip_link_header(DLT_EN10MB, frame).kind, Kind::other);
  frame[12] = 0;
  frame[13] = 38;  // the length of an IEEE 802.2 frame of the spanning tree protocol
  frame[14] = frame[15] = 0x42;
  EXPECT_EQ(strip_link_header(DLT_EN10MB, frame).kind, Kind::other);
  Octets cooked2(40, 0);
  cooked2[1] = 0x04;  // IEEE 802.2
  cooked2[20] = cooked2[21] = 0x42;
  EXPECT_EQ(strip_link_header(DLT_LINUX_SLL2, cooked2).kind, Kind::other);
  cooked2[0] = 0x08;
  cooked2[1] = 0x06;
  EXPECT_EQ(strip_link_header(DLT_LINUX_SLL2, cooked2).kind, Kind::other);
  EXPECT_EQ(strip_link_header(DLT_RAW, Octets{0x50, 1, 2, 3}).kind, Kind::other);
  EXPECT_EQ(strip_link_header(DLT_PPP, Octets{0x02, 0x81, 0, 1, 1, 64, 0x10, 0}).kind, Kind::other) << "MPLS";
  EXPECT_EQ(strip_link_header(DLT_SLIP, Octets(17, 0x80)).kind, Kind::other) << "compressed TCP";
  EXPECT_EQ(strip_link_header(DLT_NFLOG, Octets{2, 0, 0, 5, 0, 0, 9, 0}).kind, Kind::other);
  EXPECT_EQ(strip_link_header(DLT_PPP, Octets{0xc0, 0x21, 1, 1}).kind, Kind::other);
  EXPECT_EQ(strip_link_header(DLT_LOOP, Octets{0, 0, 0, 7, 0x45}).kind, Kind::other);
}

TEST(LinkLayer, LooksIntoFourFramesInOneAnother) {
  Octets frame = in_front({});
  const Octets pseudowire{2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 0x88, 0x47, 0, 1, 0x01, 64, 0, 0, 0, 0};
  frame.insert(frame.begin(), {2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0});
  for (int frames = 1; frames < 8; ++frames) {
    EXPECT_EQ(strip_link_header(DLT_EN10MB, frame).kind, frames <= 4 ? Kind::ip : Kind::other) << frames;
    frame.insert(frame.begin(), pseudowire.begin(), pseudowire.end());
  }
  Octets many;
  for (int frames = 0; frames < 10000; ++frames)
    many.insert(many.end(), pseudowire.begin(), pseudowire.end());
  EXPECT_EQ(strip_link_header(DLT_EN10MB, many).kind, Kind::other);
}

TEST(LinkLayer, TellsLinksFromBarePackets) {
  for (const int bare : {DLT_RAW, DLT_IPV4, DLT_IPV6, DLT_NULL, DLT_LOOP})
    EXPECT_FALSE(has_link_header(bare));
  for (const int link : {DLT_EN10MB, DLT_LINUX_SLL, DLT_LINUX_SLL2, DLT_PPP, DLT_PPP_ETHER, DLT_C_HDLC}) {
    EXPECT_TRUE(has_link_header(link));
  }
}

TEST(LinkLayer, KnowsOfNoOthers) {
  EXPECT_FALSE(knows_link_type(DLT_IEEE802_11));
  EXPECT_FALSE(knows_link_type(-1));
}

}  // namespace
}  // namespace sixin4::dissect
