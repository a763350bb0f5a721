// The walk through extension headers. Packets lie in heap blocks of their exact size, so that
// AddressSanitizer sees every read past them.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <random>
#include <vector>

#include <gtest/gtest.h>

#include "sixin4/wire/ipv6.hpp"

namespace sixin4::wire {
namespace {

using Octets = std::vector<std::uint8_t>;

struct Extension {
  std::uint8_t type;
  Octets octets;  ///< the first is set when a chain is built
};

Octets packet_of(std::vector<Extension> chain, std::uint8_t upper, const Octets& payload) {
  Octets packet(ipv6_header_size);
  packet[0] = 0x60;
  packet[6] = chain.empty() ? upper : chain.front().type;
  for (std::size_t index = 0; index < chain.size(); ++index) {
    chain[index].octets[0] = index + 1 < chain.size() ? chain[index + 1].type : upper;
    packet.insert(packet.end(), chain[index].octets.begin(), chain[index].octets.end());
  }
  packet.insert(packet.end(), payload.begin(), payload.end());
  const std::size_t length = packet.size() - ipv6_header_size;
  packet[4] = static_cast<std::uint8_t>(length >> 8U);
  packet[5] = static_cast<std::uint8_t>(length);
  return Octets(packet);
}

/// `units` of 8 octets; the length field does not count the first (RFC 8200 §4.2).
Extension in_8_octets(std::uint8_t type, std::size_t units) {
  Octets octets(units * 8, 0xee);
  octets[1] = static_cast<std::uint8_t>(units - 1);
  return {type, octets};
}
/// `words` of 4 octets; the length field is two less (RFC 4302 §2.2).
Extension authentication(std::size_t words) {
  Octets octets(words * 4, 0xee);
  octets[1] = static_cast<std::uint8_t>(words - 2);
  return {next_header::authentication, octets};
}
Extension fragment(std::size_t offset, bool more) {
  const std::size_t field = offset | (more ? 1U : 0U);
  // The second octet is reserved, not a length (RFC 8200 §4.5).
  return {next_header::fragment,
          {0, 0xff, static_cast<std::uint8_t>(field >> 8U), static_cast<std::uint8_t>(field), 1, 2, 3, 4}};
}

constexpr std::uint8_t in_8_octet_units[] = {next_header::hop_by_hop,          next_header::routing,
                                             next_header::destination_options, next_header::mobility,
                                             next_header::host_identity,       next_header::shim6};

TEST(ExtensionHeaders, NoneLeavesTheFixedHeader) {
  const auto upper = upper_layer_of(packet_of({}, next_header::tcp, Octets(20)));
  ASSERT_TRUE(upper);
  EXPECT_EQ(upper->protocol, next_header::tcp);
  EXPECT_EQ(upper->offset, 40U);
  EXPECT_FALSE(upper->is_fragment());
}

TEST(ExtensionHeaders, EveryTypeIsSteppedOver) {
  for (const std::uint8_t type : in_8_octet_units) {
    for (const std::size_t units : {std::size_t{1}, std::size_t{2}, std::size_t{256}}) {
      const Octets packet = packet_of({in_8_octets(type, units)}, next_header::udp, Octets(8));
      const auto upper = upper_layer_of(packet);
      ASSERT_TRUE(upper) << int{type};
      EXPECT_EQ(upper->protocol, next_header::udp) << int{type};
      EXPECT_EQ(upper->offset, 40 + 8 * units) << int{type};
    }
  }
}

TEST(ExtensionHeaders, AuthenticationIsCountedInFourOctets) {
  for (const std::size_t words : {2U, 3U, 6U, 7U, 257U}) {
    const auto upper = upper_layer_of(packet_of({authentication(words)}, next_header::tcp, Octets(20)));
    ASSERT_TRUE(upper) << words;
    EXPECT_EQ(upper->protocol, next_header::tcp);
    EXPECT_EQ(upper->offset, 40 + 4 * words);
  }
}

TEST(ExtensionHeaders, WhatIsNoExtensionHeaderEndsTheChain) {
  for (unsigned value = 0; value < 256; ++value) {
    const auto type = static_cast<std::uint8_t>(value);
    const bool extension = type == next_header::fragment || type == next_header::authentication ||
                           std::ranges::find(in_8_octet_units, type) != std::end(in_8_octet_units);
    if (extension) continue;
    const auto upper = upper_layer_of(packet_of({in_8_octets(60, 1)}, type, Octets(8)));
    ASSERT_TRUE(upper) << value;
    EXPECT_EQ(upper->protocol, type);
    EXPECT_EQ(upper->offset, 48U);
  }
}

TEST(ExtensionHeaders, ALongChainIsWalkedToItsEnd) {
  const auto upper =
      upper_layer_of(packet_of({in_8_octets(0, 1), in_8_octets(60, 3), in_8_octets(43, 2), fragment(0, true),
                                authentication(6), in_8_octets(60, 1), in_8_octets(135, 2)},
                               next_header::icmpv6, Octets(8)));
  ASSERT_TRUE(upper);
  EXPECT_EQ(upper->protocol, next_header::icmpv6);
  EXPECT_EQ(upper->offset, 40U + 8 + 24 + 16 + 8 + 24 + 8 + 16);
  EXPECT_TRUE(upper->is_fragment());
}

TEST(ExtensionHeaders, AFirstFragmentIsWalkedOn) {
  const auto upper =
      upper_layer_of(packet_of({fragment(0, true), in_8_octets(60, 2)}, next_header::tcp, Octets(20)));
  ASSERT_TRUE(upper);
  EXPECT_EQ(upper->protocol, next_header::tcp);
  EXPECT_EQ(upper->offset, 40U + 8 + 16);
  EXPECT_EQ(upper->fragment_offset, 0U);
  EXPECT_TRUE(upper->more_fragments);
  EXPECT_TRUE(upper->is_fragment());
}

// A later fragment continues with payload, even if the next-header value is that of an extension header.
TEST(ExtensionHeaders, ALaterFragmentIsNotWalkedOn) {
  for (const bool more : {false, true}) {
    const auto upper =
        upper_layer_of(packet_of({fragment(1448, more)}, next_header::destination_options, Octets(3, 0xff)));
    ASSERT_TRUE(upper);
    EXPECT_EQ(upper->protocol, next_header::destination_options);
    EXPECT_EQ(upper->offset, 48U);
    EXPECT_EQ(upper->fragment_offset, 1448U);
    EXPECT_EQ(upper->more_fragments, more);
    EXPECT_TRUE(upper->is_fragment());
  }
}

TEST(ExtensionHeaders, TheLargestFragmentOffsetIsRead) {
  const auto upper = upper_layer_of(packet_of({fragment(65528, false)}, next_header::udp, Octets(8)));
  ASSERT_TRUE(upper);
  EXPECT_EQ(upper->fragment_offset, 65528U);
  EXPECT_FALSE(upper->more_fragments);
}

// RFC 6946
TEST(ExtensionHeaders, AnAtomicFragmentIsNoFragment) {
  const auto upper = upper_layer_of(packet_of({fragment(0, false)}, next_header::udp, Octets(8)));
  ASSERT_TRUE(upper);
  EXPECT_EQ(upper->offset, 48U);
  EXPECT_FALSE(upper->is_fragment());
}

TEST(ExtensionHeaders, AnAtomicFragmentInsideAFragmentDoesNotMakeItWhole) {
  const auto upper =
      upper_layer_of(packet_of({fragment(0, true), fragment(0, false)}, next_header::udp, Octets(8)));
  ASSERT_TRUE(upper);
  EXPECT_TRUE(upper->is_fragment());
}

TEST(ExtensionHeaders, AHeaderThatRunsPastTheEndIsRefused) {
  for (const std::uint8_t type : in_8_octet_units) {
    Octets packet = packet_of({in_8_octets(type, 2)}, next_header::udp, Octets(7));
    packet[41] = 1;
    EXPECT_TRUE(upper_layer_of(packet)) << int{type};
    packet[41] = 2;
    EXPECT_FALSE(upper_layer_of(packet)) << int{type};
    packet[41] = 255;
    EXPECT_FALSE(upper_layer_of(packet)) << int{type};
  }
}

TEST(ExtensionHeaders, TheEndIsThatOfThePayloadNotOfTheBuffer) {
  Octets packet = packet_of({in_8_octets(60, 2)}, next_header::udp, Octets(8));
  packet[5] = 8;  // the payload ends within the extension header
  EXPECT_FALSE(upper_layer_of(packet));
}

TEST(ExtensionHeaders, AChainThatEndsWithThePacketHasAnEmptyUpperLayer) {
  const Octets packet = packet_of({in_8_octets(60, 1)}, next_header::tcp, {});
  const auto upper = upper_layer_of(packet);
  ASSERT_TRUE(upper);
  EXPECT_EQ(upper->offset, packet.size());
}

TEST(ExtensionHeaders, AChainCutAtAnyByteIsRefusedWithoutAReadBeyond) {
  const std::vector<std::vector<Extension>> chains{
      {in_8_octets(0, 1), in_8_octets(43, 3), in_8_octets(60, 2)},
      {authentication(6), authentication(2)},
      {fragment(0, true), in_8_octets(135, 1), authentication(3)},
      {in_8_octets(139, 1), in_8_octets(140, 1), fragment(0, false)},
  };
  for (const auto& chain : chains) {
    const Octets whole = packet_of(chain, next_header::tcp, {});
    ASSERT_EQ(upper_layer_of(whole)->offset, whole.size());
    for (std::size_t length = 0; length < whole.size(); ++length) {
      Octets cut(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(length));
      EXPECT_FALSE(upper_layer_of(cut)) << length;
      if (length < ipv6_header_size) continue;
      const std::size_t payload = length - ipv6_header_size;  // cut, with a matching length field
      cut[4] = static_cast<std::uint8_t>(payload >> 8U);
      cut[5] = static_cast<std::uint8_t>(payload);
      EXPECT_FALSE(upper_layer_of(cut)) << length;
    }
  }
}

TEST(ExtensionHeaders, RandomChainsEndWithinThePacket) {
  constexpr std::uint8_t types[] = {0, 43, 44, 51, 60, 135, 139, 140, 6, 17};
  for (unsigned seed = 0; seed < 20000; ++seed) {
    std::mt19937 random{seed};
    Octets packet(ipv6_header_size + random() % 100);
    for (auto& octet : packet)
      octet = random() % 2 == 0 ? types[random() % 10] : static_cast<std::uint8_t>(random());
    packet[0] = 0x60;
    packet[4] = 0;
    packet[5] = static_cast<std::uint8_t>(packet.size() - ipv6_header_size);
    packet[6] = types[random() % 10];
    const Octets exact(packet);
    const auto upper = upper_layer_of(exact);
    if (!upper) continue;
    ASSERT_GE(upper->offset, ipv6_header_size) << "seed " << seed;
    ASSERT_LE(upper->offset, exact.size()) << "seed " << seed;
  }
}

}  // namespace
}  // namespace sixin4::wire
