// Splitting packets of libtins into layers.
#include "sixin4/dissect/layers.hpp"

#include <cstdint>
#include <vector>

#include <gtest/gtest.h>
#include <tins/tins.h>

#include "sixin4/wire/ipv6.hpp"

namespace sixin4::dissect {
namespace {

using Octets = std::vector<std::uint8_t>;

Tins::IPv6 inner_packet() {
  return Tins::IPv6("2001:db8::1", "2001:db8::2") / Tins::UDP(53, 4000) / Tins::RawPDU("payload");
}

/// 6in4 in 6in4: `headers` IP headers, the innermost of them IPv6.
Octets nested(int headers) {
  Octets packet = inner_packet().serialize();
  for (int level = 1; level < headers; ++level) {
    if (level % 2 == 1) {
      Tins::IP outer = Tins::IP("198.51.100.1", "192.0.2.1") / Tins::RawPDU(packet);
      outer.protocol(41);
      packet = outer.serialize();
    } else {
      Tins::IPv6 outer = Tins::IPv6("2001:db8:7::1", "2001:db8:7::2") / Tins::RawPDU(packet);
      outer.next_header(4);
      packet = outer.serialize();
      packet[6] = 4;  // libtins does not set it for a payload that it does not know
    }
  }
  return packet;
}

TEST(Layers, OfAPlain6in4Packet) {
  const Octets packet = nested(2);
  const Layers layers = take_apart(packet, packet.size());
  ASSERT_EQ(layers.count, 2U);
  EXPECT_EQ(layers.end, LayersEnd::payload);
  EXPECT_EQ(layers.all[0].version, 4);
  EXPECT_EQ(layers.all[0].length, packet.size());
  EXPECT_EQ(layers.all[0].header_length, 20U);
  EXPECT_TRUE(layers.all[0].is_6in4());
  EXPECT_EQ(layers.all[1].version, 6);
  EXPECT_EQ(layers.all[1].length, packet.size() - 20);
  EXPECT_EQ(layers.all[1].protocol, 17);
  EXPECT_EQ(layers.payload.data(), packet.data() + 60);
  EXPECT_EQ(layers.payload_length, packet.size() - 60);
  EXPECT_EQ(layers.outer_6in4(), 0U);
  EXPECT_FALSE(layers.is_truncated());
}

TEST(Layers, AreLookedIntoToTheFourthTunnel) {
  for (int headers = 1; headers <= 8; ++headers) {
    const Octets packet = nested(headers);
    const Layers layers = take_apart(packet, packet.size());
    EXPECT_EQ(layers.count, static_cast<std::size_t>(std::min(headers, 5)));
    EXPECT_EQ(layers.end, headers > 5 ? LayersEnd::too_deep : LayersEnd::payload) << headers;
  }
  EXPECT_EQ(take_apart(nested(3), nested(3).size()).outer_6in4(), 1U);
  EXPECT_FALSE(take_apart(nested(1), nested(1).size()).outer_6in4());
}

TEST(Layers, CutPaddingOff) {
  Octets packet = nested(2);
  const std::size_t length = packet.size();
  packet.resize(length + 17);
  const Layers layers = take_apart(packet, packet.size());
  EXPECT_EQ(layers.all[0].bytes.size(), length);
  EXPECT_EQ(layers.all[1].bytes.size(), length - 20);
  EXPECT_FALSE(layers.is_truncated());
}

TEST(Layers, AreCutShortWhereverTheCaptureEnds) {
  const Octets packet = nested(4);
  const Layers whole = take_apart(packet, packet.size());
  for (std::size_t kept = 0; kept < packet.size(); ++kept) {
    const Layers layers = take_apart(wire::Bytes{packet}.first(kept), packet.size());
    EXPECT_TRUE(layers.is_truncated()) << kept;
    EXPECT_NE(layers.end, LayersEnd::malformed) << kept;
    ASSERT_LE(layers.count, whole.count);
    for (std::size_t i = 0; i < layers.count; ++i) {
      EXPECT_EQ(layers.all[i].length, whole.all[i].length) << kept;
      EXPECT_EQ(layers.all[i].missing, 0U) << kept;
    }
  }
}

TEST(Layers, AreMalformedWhereThePacketItselfEnds) {
  const Octets packet = nested(2);
  for (std::size_t length = 20; length < 60; ++length) {
    Octets shorter{packet.begin(), packet.begin() + static_cast<std::ptrdiff_t>(length)};
    shorter[3] = static_cast<std::uint8_t>(length);
    shorter[2] = 0;
    const Layers layers = take_apart(shorter, shorter.size());
    EXPECT_EQ(layers.end, LayersEnd::malformed) << length;
    EXPECT_FALSE(layers.is_truncated()) << length;
  }
}

TEST(Layers, TellOfBytesThatAPacketClaims) {
  Octets packet = nested(2);
  packet[20 + 5] = static_cast<std::uint8_t>(packet[20 + 5] + 100);
  const Layers layers = take_apart(packet, packet.size());
  ASSERT_EQ(layers.count, 2U);
  EXPECT_EQ(layers.all[1].missing, 100U);
  EXPECT_FALSE(layers.is_truncated());
}

TEST(Layers, HaveTheVersionThatTheProtocolTells) {
  Octets packet = nested(2);
  packet[20] = 0x45;
  const Layers layers = take_apart(packet, packet.size());
  EXPECT_EQ(layers.count, 1U);
  EXPECT_EQ(layers.end, LayersEnd::malformed);
}

TEST(Layers, EndAtAFragment) {
  Octets packet = nested(2);
  packet[6] = 0x20;  // more fragments
  Layers layers = take_apart(packet, packet.size());
  EXPECT_EQ(layers.count, 1U);
  EXPECT_EQ(layers.end, LayersEnd::fragment);
  EXPECT_TRUE(layers.all[0].more_fragments);
  packet[6] = 0;
  packet[7] = 3;
  layers = take_apart(packet, packet.size());
  EXPECT_EQ(layers.end, LayersEnd::later_fragment);
  EXPECT_EQ(layers.all[0].fragment_offset, 24U);
}

TEST(Layers, SkipExtensionHeadersAndOptions) {
  Tins::IPv6 inner = inner_packet();
  inner.add_header(Tins::IPv6::ext_header(Tins::IPv6::DESTINATION_OPTIONS));
  Tins::IP outer = Tins::IP("198.51.100.1", "192.0.2.1") / inner;
  outer.add_option(Tins::IP::option_identifier(Tins::IP::NOOP, Tins::IP::CONTROL, 0));
  const Octets packet = outer.serialize();
  const Layers layers = take_apart(packet, packet.size());
  ASSERT_EQ(layers.count, 2U);
  EXPECT_EQ(layers.all[0].header_length, 24U);
  EXPECT_EQ(layers.all[1].header_length, 48U);
  EXPECT_EQ(layers.all[1].protocol, 17);
  EXPECT_EQ(layers.payload.data(), packet.data() + 72);
}

TEST(Layers, OfNoPacketAtAll) {
  EXPECT_EQ(take_apart({}, 0).end, LayersEnd::malformed);
  EXPECT_EQ(take_apart({}, 100).end, LayersEnd::cut_short);
  EXPECT_TRUE(take_apart({}, 100).is_truncated());
}

}  // namespace
}  // namespace sixin4::dissect
