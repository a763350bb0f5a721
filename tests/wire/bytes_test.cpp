// Bounds of access to packet bytes, and the byte order of fields.
#include "sixin4/wire/bytes.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

#include <gtest/gtest.h>

namespace sixin4::wire {
namespace {

constexpr std::size_t huge = std::numeric_limits<std::size_t>::max();
constexpr std::array<std::uint8_t, 8> eight{1, 2, 3, 4, 5, 6, 7, 8};

TEST(Fixed, TakesWhatLiesWithin) {
  static_assert(fixed<8>(Bytes{eight}));
  static_assert(fixed<4>(Bytes{eight}, 4)->front() == 5);
  static_assert(fixed<4>(Bytes{eight}, 4)->size() == 4);
  static_assert(fixed<0>(Bytes{eight}, 8));
  static_assert(fixed<0>(Bytes{}));
}

TEST(Fixed, RefusesWhatEndsOrBeginsOutside) {
  static_assert(!fixed<9>(Bytes{eight}));
  static_assert(!fixed<4>(Bytes{eight}, 5));
  static_assert(!fixed<1>(Bytes{eight}, 8));
  static_assert(!fixed<0>(Bytes{eight}, 9));
  static_assert(!fixed<1>(Bytes{}));
}

TEST(Fixed, AnOffsetNearTheLargestDoesNotWrapAround) {
  static_assert(!fixed<1>(Bytes{eight}, huge));
  static_assert(!fixed<8>(Bytes{eight}, huge - 7));
  static_assert(!fixed<0>(Bytes{eight}, huge));
}

TEST(Slice, TakesWhatLiesWithin) {
  static_assert(slice(Bytes{eight}, 0, 8)->size() == 8);
  static_assert(slice(Bytes{eight}, 6, 2)->back() == 8);
  static_assert(slice(Bytes{eight}, 8, 0)->empty());
}

TEST(Slice, RefusesWhatEndsOrBeginsOutside) {
  static_assert(!slice(Bytes{eight}, 0, 9));
  static_assert(!slice(Bytes{eight}, 7, 2));
  static_assert(!slice(Bytes{eight}, 9, 0));
}

TEST(Slice, LargeNumbersDoNotWrapAround) {
  static_assert(!slice(Bytes{eight}, huge, 1));
  static_assert(!slice(Bytes{eight}, 1, huge));
  static_assert(!slice(Bytes{eight}, huge, huge));
  static_assert(!slice(Bytes{eight}, huge - 3, 8));
}

TEST(Slice, EveryOffsetAndLengthIsJudgedByItsEnd) {
  const std::vector<std::uint8_t> bytes(20);
  for (std::size_t offset = 0; offset < 25; ++offset) {
    for (std::size_t length = 0; length < 25; ++length) {
      EXPECT_EQ(slice(Bytes{bytes}, offset, length).has_value(), offset + length <= 20 && offset <= 20)
          << offset << "+" << length;
    }
  }
}

TEST(Slice, GivesTheBytesThemselvesAndNoCopy) {
  std::vector<std::uint8_t> bytes(20);
  slice(MutableBytes{bytes}, 7, 3)->front() = 0xab;
  fixed<2>(MutableBytes{bytes}, 18)->back() = 0xcd;
  EXPECT_EQ(bytes[7], 0xab);
  EXPECT_EQ(bytes[19], 0xcd);
}

TEST(Load, ReadsNetworkByteOrder) {
  constexpr std::span<const std::uint8_t, 8> header{eight};
  static_assert(load8<0>(header) == 1);
  static_assert(load8<7>(header) == 8);
  static_assert(load16<0>(header) == 0x0102);
  static_assert(load16<6>(header) == 0x0708);
  static_assert(load32<1>(header) == 0x02030405);
  static_assert(load32<4>(header) == 0x05060708);
}

TEST(Load, TheHighestBitIsNoSign) {
  constexpr std::array<std::uint8_t, 4> ones{0xff, 0xfe, 0xfd, 0xfc};
  static_assert(load16<0>(std::span<const std::uint8_t, 4>{ones}) == 0xfffe);
  static_assert(load32<0>(std::span<const std::uint8_t, 4>{ones}) == 0xfffefdfc);
}

TEST(Store, WritesNetworkByteOrderAndNothingBeside) {
  constexpr auto written = [] {
    std::array<std::uint8_t, 11> bytes{};
    bytes.fill(0xee);
    const std::span<std::uint8_t, 11> header{bytes};
    store8<1>(header, 0x01);
    store16<3>(header, 0x0203);
    store32<6>(header, 0x04050607);
    return bytes;
  }();
  static_assert(written == std::array<std::uint8_t, 11>{0xee, 0x01, 0xee, 0x02, 0x03, 0xee, 0x04, 0x05, 0x06,
                                                        0x07, 0xee});
}

}  // namespace
}  // namespace sixin4::wire
