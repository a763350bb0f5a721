// Addresses and prefixes to and from text.
#include "sixin4/wire/address_text.hpp"

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include <gtest/gtest.h>

namespace sixin4::wire {
namespace {

using namespace std::string_view_literals;

constexpr Ipv6Address documentation_two{{0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2}};

TEST(AddressText, Ipv4StandsInWireOrder) {
  EXPECT_EQ(parse_ipv4_address("192.0.2.1"), (Ipv4Address{{192, 0, 2, 1}}));
  EXPECT_EQ(to_string(Ipv4Address{{192, 0, 2, 1}}), "192.0.2.1");
}

TEST(AddressText, Ipv6StandsInWireOrder) {
  EXPECT_EQ(parse_ipv6_address("2001:db8::2"), documentation_two);
  EXPECT_EQ(parse_ipv6_address("2001:0DB8:0:0:0:0:0:2"), documentation_two);
  EXPECT_EQ(to_string(documentation_two), "2001:db8::2");
  EXPECT_EQ(to_string(Ipv6Address{}), "::");
}

TEST(AddressText, TheLongestAddressFits) {
  const auto address = parse_ipv6_address("ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255");
  ASSERT_TRUE(address);
  EXPECT_EQ(to_string(*address), "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff");
}

TEST(AddressText, WhatIsNoIpv4AddressIsRefused) {
  constexpr std::array refused{""sv,           "192.0.2"sv,      "192.0.2.256"sv, "192.0.2.1 "sv,
                               " 192.0.2.1"sv, "192.0.2.1/24"sv, "0x7f.0.0.1"sv,  "localhost"sv,
                               "::1"sv,        "192.0.2.1\0"sv};
  for (const auto text : refused) EXPECT_FALSE(parse_ipv4_address(text)) << text;
}

TEST(AddressText, WhatIsNoIpv6AddressIsRefused) {
  constexpr std::array refused{""sv,     "192.0.2.1"sv, "2001:db8:::1"sv, "[::1]"sv, "fe80::1%eth0"sv,
                               "::1 "sv, "::1/64"sv,    "12345::"sv,      "::1\0x"sv};
  for (const auto text : refused) EXPECT_FALSE(parse_ipv6_address(text)) << text;
  EXPECT_FALSE(parse_ipv6_address(std::string(5000, ':')));
}

TEST(AddressText, AViewNeedsNoTerminator) {
  EXPECT_EQ(parse_ipv6_address("2001:db8::2garbage"sv.substr(0, 11)), documentation_two);
}

TEST(AddressText, APrefixKeepsItsHostBits) {
  EXPECT_EQ(parse_ipv6_prefix("2001:db8::2/64"), (Ipv6Prefix{documentation_two, 64}));
  EXPECT_EQ(to_string(Ipv6Prefix{documentation_two, 64}), "2001:db8::2/64");
}

TEST(AddressText, ABareAddressIsAHostPrefix) {
  EXPECT_EQ(parse_ipv6_prefix("2001:db8::2"), (Ipv6Prefix{documentation_two, 128}));
}

TEST(AddressText, APrefixLengthIsPlainDecimalUpTo128) {
  EXPECT_EQ(parse_ipv6_prefix("::/0"), Ipv6Prefix{});
  EXPECT_EQ(parse_ipv6_prefix("2001:db8::2/128"), (Ipv6Prefix{documentation_two, 128}));
  for (const auto length :
       {""sv, "129"sv, "256"sv, "320"sv, "-1"sv, "+1"sv, "0x40"sv, "64 "sv, " 64"sv, "64/"sv}) {
    EXPECT_FALSE(parse_ipv6_prefix("2001:db8::/" + std::string(length))) << length;
  }
  EXPECT_FALSE(parse_ipv6_prefix("/64"));
}

}  // namespace
}  // namespace sixin4::wire
