// The virtio-net header: its layout byte by byte, and that it reads as it was written.
#include "sixin4/wire/vnet_header.hpp"

#include <array>
#include <bit>
#include <cstdint>
#include <random>

#include <gtest/gtest.h>

namespace sixin4::wire {
namespace {

using Octets = std::array<std::uint8_t, vnet_header_size>;

constexpr VnetHeader example{.needs_checksum = true,
                             .gso = Gso::tcp6,
                             .gso_ecn = false,
                             .header_length = 0x0102,
                             .gso_size = 0x0304,
                             .checksum_start = 0x0506,
                             .checksum_offset = 0x0708};

// VIRTIO 1.2 §5.1.6: flags, gso_type, hdr_len, gso_size, csum_start, csum_offset, all little-endian.
constexpr Octets example_bytes{1, 4, 2, 1, 4, 3, 6, 5, 8, 7};

TEST(VnetHeader, HasTheLayoutOfTheStandard) {
  Octets bytes;
  bytes.fill(0xee);
  write_vnet_header(bytes, example, std::endian::little);
  EXPECT_EQ(bytes, example_bytes);
}

TEST(VnetHeader, IsReadFromTheLayoutOfTheStandard) {
  EXPECT_EQ(read_vnet_header(example_bytes, std::endian::little), example);
}

// As from a device on a big-endian machine without TUNSETVNETLE.
TEST(VnetHeader, InBigEndianOrderOnlyTheNumbersAreTurnedRound) {
  constexpr Octets turned{1, 4, 1, 2, 3, 4, 5, 6, 7, 8};
  Octets bytes{};
  write_vnet_header(bytes, example, std::endian::big);
  EXPECT_EQ(bytes, turned);
  EXPECT_EQ(read_vnet_header(turned, std::endian::big), example);
}

TEST(VnetHeader, AnEmptyOneIsAllZeros) {
  Octets bytes;
  bytes.fill(0xee);
  write_vnet_header(bytes, {}, std::endian::little);
  EXPECT_EQ(bytes, Octets{});
  EXPECT_EQ(read_vnet_header(Octets{}, std::endian::little), VnetHeader{});
}

TEST(VnetHeader, TheEcnBitStandsBesideTheKind) {
  Octets bytes{};
  VnetHeader header = example;
  header.gso_ecn = true;
  write_vnet_header(bytes, header, std::endian::little);
  EXPECT_EQ(bytes[1], 0x84);
  EXPECT_EQ(read_vnet_header(bytes, std::endian::little), header);
}

// VIRTIO_NET_HDR_F_DATA_VALID and VIRTIO_NET_HDR_F_RSC_INFO are ignored.
TEST(VnetHeader, OtherFlagsAreNotTakenForAnUnfinishedChecksum) {
  Octets bytes{};
  bytes[0] = 0xfe;
  EXPECT_FALSE(read_vnet_header(bytes, std::endian::little).needs_checksum);
  bytes[0] = 0xff;
  EXPECT_TRUE(read_vnet_header(bytes, std::endian::little).needs_checksum);
}

TEST(VnetHeader, EveryKindIsReadBackAsItWasWritten) {
  std::mt19937 random{1};
  const auto word = [&] { return static_cast<std::uint16_t>(random()); };
  for (const Gso gso : {Gso::none, Gso::tcp4, Gso::udp_fragments, Gso::tcp6, Gso::udp}) {
    for (int count = 0; count < 100; ++count) {
      const VnetHeader header{.needs_checksum = random() % 2 == 0,
                              .gso = gso,
                              .gso_ecn = random() % 2 == 0,
                              .header_length = word(),
                              .gso_size = word(),
                              .checksum_start = word(),
                              .checksum_offset = word()};
      Octets bytes{};
      write_vnet_header(bytes, header, std::endian::little);
      EXPECT_EQ(read_vnet_header(bytes, std::endian::little), header);
    }
  }
}

}  // namespace
}  // namespace sixin4::wire
