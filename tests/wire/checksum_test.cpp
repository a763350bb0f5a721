// The internet checksum, compared with the example of RFC 1071 and a reference that adds word by word.
#include "sixin4/wire/checksum.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <random>
#include <vector>

#include <gtest/gtest.h>
#include <tins/tins.h>

namespace sixin4::wire {
namespace {

using Octets = std::vector<std::uint8_t>;

/// As in RFC 1071 §1.
std::uint16_t reference(Bytes bytes) {
  std::uint32_t sum = 0;
  for (std::size_t at = 0; at < bytes.size(); at += 2) {
    sum += bytes[at] * 256U + (at + 1 < bytes.size() ? bytes[at + 1] : 0U);
    if (sum > 0xffff) sum -= 0xffff;  // end-around carry
  }
  return static_cast<std::uint16_t>(sum);
}

Octets random_octets(std::mt19937& random, std::size_t length) {
  Octets octets(length);
  for (auto& octet : octets) octet = static_cast<std::uint8_t>(random());
  return octets;
}

// RFC 1071 §3
TEST(Checksum, TheExampleOfTheRfc) {
  constexpr std::array<std::uint8_t, 8> bytes{0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7};
  EXPECT_EQ(sum_of(bytes).folded(), 0xddf2);
  EXPECT_EQ(sum_of(bytes).checksum(), 0x220d);
}

TEST(Checksum, NothingSumsUpToZero) {
  EXPECT_EQ(sum_of({}).folded(), 0);
  EXPECT_EQ(sum_of({}).checksum(), 0xffff);
}

TEST(Checksum, AnOddOctetIsTheHighHalfOfAWord) {
  EXPECT_EQ(sum_of(Octets{0xab}).folded(), 0xab00);
  EXPECT_EQ(sum_of(Octets{0x01, 0x02, 0x03}).folded(), 0x0402);
  EXPECT_EQ(sum_of(Octets{0xff, 0xff, 0x01}).folded(), 0x0100);
}

TEST(Checksum, EveryShortLengthAtEveryAlignment) {
  std::mt19937 random{1};
  for (std::size_t start = 0; start < 9; ++start) {
    for (std::size_t length = 0; length < 130; ++length) {
      const Octets octets = random_octets(random, start + length);  // ends with the heap block
      const Bytes bytes = Bytes{octets}.subspan(start);
      ASSERT_EQ(sum_of(bytes).folded(), reference(bytes)) << length << " from " << start;
    }
  }
}

TEST(Checksum, RandomPacketsOfAnyLength) {
  for (unsigned seed = 0; seed < 200; ++seed) {
    std::mt19937 random{seed};
    const Octets octets = random_octets(random, random() % 65536);
    ASSERT_EQ(sum_of(octets).folded(), reference(octets)) << "seed " << seed;
  }
}

TEST(Checksum, OnesOnlyCarryAtEveryStep) {
  for (const std::size_t length : {2U, 3U, 4U, 1000U, 65535U, 1U << 20U}) {
    const Octets octets(length, 0xff);
    EXPECT_EQ(sum_of(octets).folded(), length % 2 == 0 ? 0xffff : 0xff00) << length;
  }
}

TEST(Checksum, PartsAddUpToTheWhole) {
  std::mt19937 random{2};
  const Octets octets = random_octets(random, 2001);
  const Bytes whole{octets};
  for (std::size_t cut = 0; cut <= whole.size(); cut += 2) {
    ASSERT_EQ((sum_of(whole.first(cut)) + sum_of(whole.subspan(cut))).folded(), reference(whole)) << cut;
    ASSERT_EQ((sum_of(whole.subspan(cut)) + sum_of(whole.first(cut))).folded(), reference(whole)) << cut;
  }
}

TEST(Checksum, ARangeWithItsChecksumSumsUpToOnes) {
  for (unsigned seed = 0; seed < 100; ++seed) {
    std::mt19937 random{seed};
    Octets octets = random_octets(random, 2 + 2 * (random() % 500));
    octets[0] = octets[1] = 0;
    const std::uint16_t checksum = sum_of(octets).checksum();
    octets[0] = static_cast<std::uint8_t>(checksum >> 8U);
    octets[1] = static_cast<std::uint8_t>(checksum);
    ASSERT_EQ(sum_of(octets).folded(), 0xffff) << "seed " << seed;
  }
}

TEST(InternetSum, FoldsHoweverLarge) {
  constexpr std::uint64_t most = std::numeric_limits<std::uint64_t>::max();
  static_assert(InternetSum{}.folded() == 0);
  static_assert(InternetSum{0xffff}.folded() == 0xffff);
  static_assert(InternetSum{0x10000}.folded() == 1);
  static_assert(InternetSum{0x1ffff}.folded() == 1);
  static_assert(InternetSum{0x1fffe}.folded() == 0xffff);
  static_assert(InternetSum{0xffffffff}.folded() == 0xffff);
  static_assert(InternetSum{0x1'0000'0000}.folded() == 1);
  static_assert(InternetSum{0x1'ffff'ffff}.folded() == 1);
  static_assert(InternetSum{most}.folded() == 0xffff);
  static_assert(InternetSum{most - 1}.folded() == 0xfffe);
  static_assert(InternetSum{0xffff'ffff'0001'0000}.folded() == 1);
}

TEST(InternetSum, FoldingIsTheRemainderOfDivisionByAllOnes) {
  std::mt19937_64 random{3};
  for (int count = 0; count < 100000; ++count) {
    const std::uint64_t words = random() >> (random() % 64);
    const std::uint64_t remainder = words % 0xffff;
    ASSERT_EQ(InternetSum{words}.folded(), remainder == 0 && words != 0 ? 0xffff : remainder) << words;
  }
}

// RFC 8200 §8.1
TEST(InternetSum, ATransportChecksumIsNeverZero) {
  static_assert(InternetSum{0xffff}.checksum() == 0);
  static_assert(InternetSum{0xffff}.transport_checksum() == 0xffff);
  static_assert(InternetSum{0xfffe}.transport_checksum() == 1);
  static_assert(InternetSum{0}.transport_checksum() == 0xffff);
}

TEST(PseudoHeader, IsTheSumOfItsFields) {
  std::mt19937 random{4};
  for (const std::uint32_t length : {0U, 8U, 1480U, 65535U, 65536U, 0x12345678U}) {
    for (const unsigned next_header : {0U, 6U, 17U, 58U, 255U}) {
      Octets octets = random_octets(random, 40);
      for (std::size_t at = 0; at < 4; ++at)
        octets[32 + at] = static_cast<std::uint8_t>(length >> (24 - 8 * at));
      octets[36] = octets[37] = octets[38] = 0;
      octets[39] = static_cast<std::uint8_t>(next_header);
      Source<Ipv6Address> source;
      Destination<Ipv6Address> destination;
      std::copy_n(octets.begin(), 16, source.address.octets.begin());
      std::copy_n(octets.begin() + 16, 16, destination.address.octets.begin());
      EXPECT_EQ(
          pseudo_header_sum(source, destination, length, static_cast<std::uint8_t>(next_header)).folded(),
          reference(octets));
    }
  }
}

TEST(PseudoHeader, CompletesAChecksumThatLibtinsMade) {
  Tins::IPv6 packet =
      Tins::IPv6("2001:db8:2::b", "2001:db8:1::a") / Tins::UDP(53, 4000) / Tins::RawPDU("odd");
  const Octets octets = packet.serialize();
  Source<Ipv6Address> source;
  Destination<Ipv6Address> destination;
  std::copy_n(octets.begin() + 8, 16, source.address.octets.begin());
  std::copy_n(octets.begin() + 24, 16, destination.address.octets.begin());
  const auto sum = pseudo_header_sum(source, destination, 11, 17) + sum_of(Bytes{octets}.subspan(40));
  EXPECT_EQ(sum.folded(), 0xffff);
}

}  // namespace
}  // namespace sixin4::wire
