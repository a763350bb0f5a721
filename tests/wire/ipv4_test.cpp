// The IPv4 header, compared with libtins for reading and writing.
#include "sixin4/wire/ipv4.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include <gtest/gtest.h>
#include <tins/tins.h>

namespace sixin4::wire {
namespace {

using Octets = std::vector<std::uint8_t>;

Octets packet_of(Tins::IP ip, std::size_t payload = 30) {
  return (ip / Tins::RawPDU(Octets(payload, 0x5a))).serialize();
}

Tins::IP ordinary() {
  Tins::IP ip("198.51.100.2", "192.0.2.1");
  ip.protocol(41);
  ip.tos(0xb9);
  ip.id(0xabcd);
  ip.ttl(63);
  return ip;
}

TEST(Ipv4Header, ReadsTheFieldsThatLibtinsWrote) {
  const Octets packet = packet_of(ordinary());
  const auto header = Ipv4Header::at(packet);
  ASSERT_TRUE(header);
  EXPECT_EQ(header->header_length(), 20U);
  EXPECT_EQ(header->tos(), 0xb9);
  EXPECT_EQ(header->total_length(), 50);
  EXPECT_EQ(header->identification(), 0xabcd);
  EXPECT_FALSE(header->dont_fragment());
  EXPECT_FALSE(header->more_fragments());
  EXPECT_FALSE(header->is_fragment());
  EXPECT_EQ(header->fragment_offset(), 0U);
  EXPECT_EQ(header->ttl(), 63);
  EXPECT_EQ(header->protocol(), protocol_ipv6);
  EXPECT_EQ(header->source().address, (Ipv4Address{{192, 0, 2, 1}}));
  EXPECT_EQ(header->destination().address, (Ipv4Address{{198, 51, 100, 2}}));
}

// RFC 791 §3.1
TEST(Ipv4Header, ReadsFlagsAndOffsets) {
  struct Case {
    unsigned flags;
    unsigned offset;  ///< in 8 octets
    bool dont_fragment;
    bool more;
    bool fragment;
  };
  for (const auto& each :
       {Case{2, 0, true, false, false}, Case{1, 0, false, true, true}, Case{0, 185, false, false, true},
        Case{1, 0x1fff, false, true, true}, Case{3, 1, true, true, true}, Case{4, 0, false, false, false}}) {
    Octets packet = packet_of(ordinary());
    packet[6] = static_cast<std::uint8_t>(each.flags << 5U | each.offset >> 8U);
    packet[7] = static_cast<std::uint8_t>(each.offset);
    const auto header = Ipv4Header::at(packet);
    ASSERT_TRUE(header);
    EXPECT_EQ(header->dont_fragment(), each.dont_fragment) << each.flags;
    EXPECT_EQ(header->more_fragments(), each.more) << each.flags;
    EXPECT_EQ(header->is_fragment(), each.fragment) << each.flags;
    EXPECT_EQ(header->fragment_offset(), std::size_t{8} * each.offset);
  }
}

TEST(Ipv4Header, OptionsCountAsHeader) {
  Octets packet = packet_of(ordinary());
  for (unsigned words = 5; words <= 12; ++words) {  // 12 words: 48 of the 50 bytes
    packet[0] = static_cast<std::uint8_t>(0x40U | words);
    const auto header = Ipv4Header::at(packet);
    ASSERT_TRUE(header) << words;
    EXPECT_EQ(header->header_length(), std::size_t{4} * words);
  }
}

TEST(Ipv4Header, OtherVersionsAreRefused) {
  Octets packet = packet_of(ordinary());
  for (unsigned version = 0; version < 16; ++version) {
    packet[0] = static_cast<std::uint8_t>(version << 4U | 5U);
    EXPECT_EQ(Ipv4Header::at(packet).has_value(), version == 4) << version;
  }
}

TEST(Ipv4Header, AHeaderLengthBelowTwentyIsRefused) {
  Octets packet = packet_of(ordinary());
  for (unsigned words = 0; words < 5; ++words) {
    packet[0] = static_cast<std::uint8_t>(0x40U | words);
    EXPECT_FALSE(Ipv4Header::at(packet)) << words;
  }
}

TEST(Ipv4Header, AHeaderLengthBeyondThePacketIsRefused) {
  Octets packet = packet_of(ordinary(), 10);
  packet[0] = 0x48;  // a header of 32 bytes in a packet of 30
  EXPECT_FALSE(Ipv4Header::at(packet));
}

TEST(Ipv4Header, APacketCutWithinTheHeaderIsRefused) {
  const Octets whole = packet_of(ordinary());
  for (std::size_t length = 0; length < ipv4_header_size; ++length) {
    const Octets cut(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(length));
    EXPECT_FALSE(Ipv4Header::at(cut)) << length;
  }
}

TEST(WriteIpv4Header, WritesWhatLibtinsWrites) {
  Octets expected = packet_of(ordinary());
  expected.resize(ipv4_header_size);
  Octets written(ipv4_header_size, 0xee);  // every byte must be overwritten
  write_ipv4_header(std::span{written}.first<ipv4_header_size>(),
                    {.tos = 0xb9,
                     .total_length = 50,
                     .identification = 0xabcd,
                     .ttl = 63,
                     .source = {Ipv4Address{{192, 0, 2, 1}}},
                     .destination = {Ipv4Address{{198, 51, 100, 2}}}});
  EXPECT_EQ(written, expected);
}

TEST(WriteIpv4Header, WritesFragmentsAsLibtinsDoes) {
  for (const bool more : {false, true}) {
    for (const bool whole : {false, true}) {
      for (const unsigned offset : {0U, 8U, 1480U, 65528U}) {
        Tins::IP ip = ordinary();
        ip.flags(static_cast<Tins::IP::Flags>((more ? Tins::IP::MORE_FRAGMENTS : 0) |
                                              (whole ? Tins::IP::DONT_FRAGMENT : 0)));
        ip.fragment_offset(static_cast<std::uint16_t>(offset / 8));
        Octets expected = packet_of(ip);
        expected.resize(ipv4_header_size);
        Octets written(ipv4_header_size, 0xee);
        write_ipv4_header(std::span{written}.first<ipv4_header_size>(),
                          {.tos = 0xb9,
                           .total_length = 50,
                           .identification = 0xabcd,
                           .dont_fragment = whole,
                           .more_fragments = more,
                           .fragment_offset = static_cast<std::uint16_t>(offset),
                           .ttl = 63,
                           .source = {Ipv4Address{{192, 0, 2, 1}}},
                           .destination = {Ipv4Address{{198, 51, 100, 2}}}});
        EXPECT_EQ(written, expected) << more << whole << offset;
      }
    }
  }
}

TEST(WriteIpv4Header, IsReadBackTheSame) {
  std::array<std::uint8_t, ipv4_header_size> bytes{};
  write_ipv4_header(bytes, {.tos = 3,
                            .total_length = 20,
                            .identification = 1,
                            .more_fragments = true,
                            .fragment_offset = 176,
                            .ttl = 255,
                            .protocol = 17,
                            .source = {Ipv4Address{{1, 2, 3, 4}}},
                            .destination = {Ipv4Address{{5, 6, 7, 8}}}});
  const auto header = Ipv4Header::at(bytes);
  ASSERT_TRUE(header);
  EXPECT_EQ(header->tos(), 3);
  EXPECT_EQ(header->total_length(), 20);
  EXPECT_EQ(header->identification(), 1);
  EXPECT_TRUE(header->more_fragments());
  EXPECT_EQ(header->fragment_offset(), 176U);
  EXPECT_EQ(header->ttl(), 255);
  EXPECT_EQ(header->protocol(), 17);
  EXPECT_EQ(header->source().address, (Ipv4Address{{1, 2, 3, 4}}));
  EXPECT_EQ(header->destination().address, (Ipv4Address{{5, 6, 7, 8}}));
}

}  // namespace
}  // namespace sixin4::wire
