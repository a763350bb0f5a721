// MSS clamping: which options change, and that checksums stay as right or wrong as they were.
#include "sixin4/engine/mss.hpp"

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <vector>

#include <gtest/gtest.h>

#include "packets.hpp"

namespace sixin4::engine {
namespace {

using namespace test;

constexpr std::uint8_t syn = 0x02;
constexpr std::uint16_t mtu = 1400;

/// A SYN with these TCP options, padded, with right checksums.
Octets syn_with(const Octets& options, std::uint8_t flags = syn,
                const std::vector<Extension>& extensions = {}) {
  Octets packet = packet_of(Tcp{.flags = flags, .timestamps = false, .payload = {}});
  Octets padded = options;
  while (padded.size() % 4 != 0) padded.push_back(0);
  packet.insert(packet.end(), padded.begin(), padded.end());
  packet[ipv6_header + 12] = static_cast<std::uint8_t>((tcp_header + padded.size()) / 4 << 4U);
  put_word(packet, 4, packet.size() - ipv6_header);
  put_word(packet, ipv6_header + 16, 0);
  const auto sum =
      reference_sum(wire::Bytes{packet}.subspan(ipv6_header), reference_pseudo_sum(packet, 40, 6));
  put_word(packet, ipv6_header + 16, 0xffffU ^ sum);
  return with_extensions(packet, extensions);
}

Octets mss(std::uint16_t value) {
  return {2, 4, static_cast<std::uint8_t>(value >> 8U), static_cast<std::uint8_t>(value)};
}

/// The sum over the packet: 0xffff if the checksum is right.
std::uint16_t sum_of_all(const Octets& packet) {
  return reference_sum(wire::Bytes{packet}.subspan(ipv6_header), reference_pseudo_sum(packet, 40, 6));
}

Octets clamped(Octets packet) {
  TunPacket tun{.offload = {}, .bytes = packet};
  clamp_mss(tun, mtu);
  return packet;
}

TEST(MssClamp, LowersToTheMtuLessBothHeaders) {
  for (const std::uint8_t flags : std::initializer_list<std::uint8_t>{syn, syn | tcp_ack}) {
    EXPECT_EQ(clamped(syn_with(mss(1440), flags)), syn_with(mss(1340), flags));
    EXPECT_EQ(clamped(syn_with(mss(65535), flags)), syn_with(mss(1340), flags));
    EXPECT_EQ(clamped(syn_with(mss(1341), flags)), syn_with(mss(1340), flags));
  }
}

TEST(MssClamp, NeverRaises) {
  for (const std::uint16_t value : std::initializer_list<std::uint16_t>{0, 1, 536, 1220, 1339, 1340}) {
    EXPECT_EQ(clamped(syn_with(mss(value))), syn_with(mss(value))) << value;
  }
}

TEST(MssClamp, FindsTheOptionWhereverItStands) {
  const std::vector<Octets> before{{1},    {1, 1},    {1, 1, 1},
                                   {4, 2}, {3, 3, 7}, {8, 10, 1, 2, 3, 4, 5, 6, 7, 8}};
  for (const Octets& options : before) {
    Octets high = options;
    Octets low = options;
    for (const std::uint8_t octet : mss(1440)) high.push_back(octet);
    for (const std::uint8_t octet : mss(1340)) low.push_back(octet);
    EXPECT_EQ(clamped(syn_with(high)), syn_with(low)) << options.size() << " octets before it";
  }
  EXPECT_EQ(sum_of_all(clamped(syn_with({1, 2, 4, 0x05, 0xa0}))), 0xffff);
}

TEST(MssClamp, WorksBehindExtensionHeaders) {
  const std::vector<Extension> extensions{options_extension(60, 2)};
  EXPECT_EQ(clamped(syn_with(mss(1440), syn, extensions)), syn_with(mss(1340), syn, extensions));
}

TEST(MssClamp, LeavesWhatIsNoConnectionSetUp) {
  const Octets established = syn_with(mss(1440), tcp_ack);
  EXPECT_EQ(clamped(established), established);
  const Octets datagram = packet_of(Udp{.payload = payload_of(100)});
  EXPECT_EQ(clamped(datagram), datagram);
  const Octets fragment = syn_with(mss(1440), syn, {fragment_extension(0, true)});
  EXPECT_EQ(clamped(fragment), fragment) << "the options may be incomplete";
}

TEST(MssClamp, LeavesOptionsThatContradictThemselves) {
  const std::vector<Octets> all{{},
                                {2, 3, 0xff},
                                {2, 5, 0xff, 0xff, 0},
                                {2},
                                {3, 0, 2, 4, 255, 255},
                                {3, 1, 2, 4, 255, 255},
                                {0, 0, 0, 0, 2, 4, 255, 255}};
  for (const Octets& options : all) {
    EXPECT_EQ(clamped(syn_with(options)), syn_with(options)) << options.size();
  }
  Octets beyond = syn_with({1, 1, 2, 4});  // the end of the option is missing
  EXPECT_EQ(clamped(beyond), beyond);
}

TEST(MssClamp, AWrongChecksumStaysWrongByAsMuch) {
  Octets packet = syn_with(mss(1440));
  packet[ipv6_header + 17] ^= 0x01U;
  ASSERT_NE(sum_of_all(packet), 0xffff);
  const Octets after = clamped(packet);
  EXPECT_EQ(word_at(after, ipv6_header + 22), 1340);
  EXPECT_EQ(sum_of_all(after), sum_of_all(packet));
}

TEST(MssClamp, AnUnfinishedChecksumIsLeftForWhoeverFinishesIt) {
  Octets packet = syn_with(mss(1440));
  unfinish_checksum(packet, ipv6_header, 16, 6);
  const std::uint16_t unfinished = word_at(packet, ipv6_header + 16);
  TunPacket tun{.offload = {.needs_checksum = true, .checksum_start = 40, .checksum_offset = 16},
                .bytes = packet};
  clamp_mss(tun, mtu);
  EXPECT_EQ(word_at(packet, ipv6_header + 22), 1340);
  EXPECT_EQ(word_at(packet, ipv6_header + 16), unfinished);
}

}  // namespace
}  // namespace sixin4::engine
