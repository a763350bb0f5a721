// Addresses: kinds, prefixes, and the link-local address of a tunnel.
#include "sixin4/wire/address.hpp"

#include <cstddef>
#include <cstdint>
#include <type_traits>

#include <gtest/gtest.h>

namespace sixin4::wire {
namespace {

constexpr Ipv6Address all_ones{
    {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}};
constexpr Ipv6Address documentation{
    {0x20, 0x01, 0x0d, 0xb8, 0x12, 0x34, 0x56, 0x78, 0x9a, 0xbc, 0xde, 0xf0, 0x0f, 0xed, 0xcb, 0xa9}};

constexpr Ipv6Address starting_with(std::uint8_t first, std::uint8_t second = 0) {
  return {{first, second, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}};
}

/// `address` with bit `index` flipped, counted from the left.
constexpr Ipv6Address turned(Ipv6Address address, std::size_t index) {
  address.octets[index / 8] = static_cast<std::uint8_t>(address.octets[index / 8] ^ (0x80U >> index % 8));
  return address;
}

// RFC 4291 §2.5.2, §2.7, §2.5.6
TEST(Ipv6Address, KindsAreToldByTheirPrefixes) {
  static_assert(Ipv6Address{}.is_unspecified());
  static_assert(!starting_with(0).is_unspecified());
  static_assert(!turned(Ipv6Address{}, 0).is_unspecified());

  static_assert(starting_with(0xff, 0x02).is_multicast());
  static_assert(starting_with(0xff).is_multicast());
  static_assert(!starting_with(0xfe, 0xff).is_multicast());

  static_assert(starting_with(0xfe, 0x80).is_link_local());
  static_assert(starting_with(0xfe, 0xbf).is_link_local());
  static_assert(!starting_with(0xfe, 0x7f).is_link_local());
  static_assert(!starting_with(0xfe, 0xc0).is_link_local());
  static_assert(!starting_with(0xff, 0x80).is_link_local());
}

TEST(Ipv6Prefix, ContainsWhatAgreesInEveryBitOfItsLength) {
  for (std::size_t length = 0; length <= 128; ++length) {
    const Ipv6Prefix prefix{documentation, static_cast<std::uint8_t>(length)};
    EXPECT_TRUE(prefix.contains(documentation)) << length;
    for (std::size_t bit = 0; bit < 128; ++bit) {
      EXPECT_EQ(prefix.contains(turned(documentation, bit)), bit >= length) << bit << " of " << length;
    }
  }
}

TEST(Ipv6Prefix, OfLengthZeroContainsEverything) {
  constexpr Ipv6Prefix everything{documentation, 0};
  static_assert(everything.contains(Ipv6Address{}));
  static_assert(everything.contains(all_ones));
}

TEST(Ipv6Prefix, OfLength128ContainsItsAddressOnly) {
  constexpr Ipv6Prefix one{documentation, 128};
  static_assert(one.contains(documentation));
  static_assert(!one.contains(turned(documentation, 127)));
  static_assert(!one.contains(turned(documentation, 0)));
}

TEST(Ipv6Prefix, ItsOwnBitsBeyondTheLengthDoNotCount) {
  static_assert(Ipv6Prefix{all_ones, 9}.contains(starting_with(0xff, 0x80)));
  static_assert(!Ipv6Prefix{all_ones, 9}.contains(starting_with(0xff, 0x7f)));
}

TEST(Role, ASourceIsNoDestination) {
  static_assert(!std::is_convertible_v<Source<Ipv6Address>, Destination<Ipv6Address>>);
  static_assert(!std::is_constructible_v<Destination<Ipv4Address>, Source<Ipv4Address>>);
  static_assert(!std::is_convertible_v<Ipv4Address, Ipv6Address>);
}

// RFC 4213 §3.7
TEST(LinkLocal, EndsInTheIpv4Address) {
  constexpr Ipv6Address expected{{0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 192, 0, 2, 1}};
  static_assert(link_local_of(Ipv4Address{{192, 0, 2, 1}}) == expected);
  static_assert(link_local_of(Ipv4Address{{255, 255, 255, 255}}).is_link_local());
}

}  // namespace
}  // namespace sixin4::wire
