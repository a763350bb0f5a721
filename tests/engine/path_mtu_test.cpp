// The path MTU, learnt and expired, and the tunnel MTU for it.
#include "sixin4/engine/path_mtu.hpp"

#include <chrono>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

namespace sixin4::engine {
namespace {

using namespace std::chrono_literals;

constexpr Time start{std::chrono::hours{1}};

TEST(PathMtu, IsTheRoutesWhereNobodyHasSaidOtherwise) {
  const PathMtu path{1500};
  EXPECT_EQ(path.value(), 1500);
  EXPECT_EQ(path.expiry(), std::nullopt);
}

// RFC 1191 §3: a host must not raise its estimate because of a message.
TEST(PathMtu, OnlyEverBecomesLower) {
  PathMtu path{1500};
  EXPECT_TRUE(path.learn(1400, start));
  EXPECT_EQ(path.value(), 1400);
  EXPECT_FALSE(path.learn(1450, start));
  EXPECT_FALSE(path.learn(1500, start));
  EXPECT_FALSE(path.learn(9000, start));
  EXPECT_EQ(path.value(), 1400);
  EXPECT_TRUE(path.learn(1000, start));
  EXPECT_EQ(path.value(), 1000);
}

TEST(PathMtu, WhatTheRouteSaysAlreadyIsNothingNew) {
  PathMtu path{1500};
  EXPECT_FALSE(path.learn(1500, start));
  EXPECT_FALSE(path.learn(1501, start));
  EXPECT_EQ(path.expiry(), std::nullopt);
}

// RFC 791: every link takes 68 bytes.
TEST(PathMtu, LessThanAnyLinkTakesIsIgnored) {
  PathMtu path{1500};
  for (const std::uint16_t mtu : std::initializer_list<std::uint16_t>{0, 1, 67})
    EXPECT_FALSE(path.learn(mtu, start)) << mtu;
  EXPECT_EQ(path.value(), 1500);
  EXPECT_TRUE(path.learn(68, start));
  EXPECT_EQ(path.value(), 68);
}

// RFC 1191 §6.3
TEST(PathMtu, IsForgottenAfterTenMinutes) {
  PathMtu path{1500};
  ASSERT_TRUE(path.learn(1400, start));
  EXPECT_EQ(path.expiry(), start + 10min);
  EXPECT_FALSE(path.expire(start + 10min - 1ns));
  EXPECT_EQ(path.value(), 1400);
  EXPECT_TRUE(path.expire(start + 10min));
  EXPECT_EQ(path.value(), 1500);
  EXPECT_EQ(path.expiry(), std::nullopt);
  EXPECT_FALSE(path.expire(start + 11min)) << "nothing is left to forget";
}

TEST(PathMtu, LivesLongerWhereItIsConfirmed) {
  PathMtu path{1500};
  ASSERT_TRUE(path.learn(1400, start));
  EXPECT_FALSE(path.learn(1400, start + 5min)) << "it is no lower";
  EXPECT_EQ(path.expiry(), start + 15min);
  EXPECT_FALSE(path.learn(1450, start + 6min));
  EXPECT_EQ(path.expiry(), start + 15min) << "a higher one confirms nothing";
}

// RFC 1191 §5, for a router that reports no next-hop MTU.
TEST(Plateau, IsTheNextSmallerOfTheTable) {
  const std::vector<std::pair<std::uint16_t, std::uint16_t>> cases{
      {65535, 32000}, {32001, 32000}, {32000, 17914}, {9000, 8166}, {8166, 4352}, {1500, 1492},
      {1492, 1006},   {1300, 1006},   {1006, 508},    {508, 296},   {296, 68},    {69, 68}};
  for (const auto& [refused, plateau] : cases) EXPECT_EQ(plateau_below(refused), plateau) << refused;
}

TEST(Plateau, IsNeverLessThanAnyLinkTakes) {
  for (const std::uint16_t refused : std::initializer_list<std::uint16_t>{0, 1, 67, 68})
    EXPECT_EQ(plateau_below(refused), 68) << refused;
}

// RFC 4213 §3.2.2: DF requires room for 1280 bytes and the outer header.
TEST(TunnelMtu, APathCarriesIpv6From1300On) {
  EXPECT_TRUE(path_carries_ipv6(1300));
  EXPECT_FALSE(path_carries_ipv6(1299));
}

TEST(TunnelMtu, FollowsThePathWhereNothingIsFixed) {
  for (const bool pmtudisc : {true, false}) {
    EXPECT_EQ(tunnel_mtu(1500, std::nullopt, pmtudisc), 1480);
    EXPECT_EQ(tunnel_mtu(9000, std::nullopt, pmtudisc), 8980);
    EXPECT_EQ(tunnel_mtu(65535, std::nullopt, pmtudisc), 65515);
    EXPECT_EQ(tunnel_mtu(1301, std::nullopt, pmtudisc), 1281);
  }
}

// RFC 4213 §3.2.2: "the IPv6 MTU [...] less than 1280" becomes 1280.
TEST(TunnelMtu, NeverGoesBelow1280) {
  for (const std::uint16_t path : std::initializer_list<std::uint16_t>{1300, 1299, 1280, 576, 68}) {
    EXPECT_EQ(tunnel_mtu(path, std::nullopt, true), 1280) << path;
    EXPECT_EQ(tunnel_mtu(path, 1480, true), 1280) << path;
  }
}

TEST(TunnelMtu, AFixedOneIsACapOfADynamicOne) {
  EXPECT_EQ(tunnel_mtu(1500, 1400, true), 1400);
  EXPECT_EQ(tunnel_mtu(1420, 1400, true), 1400);
  EXPECT_EQ(tunnel_mtu(1419, 1400, true), 1399);
  EXPECT_EQ(tunnel_mtu(1500, 9000, true), 1480);
}

// RFC 4213 §3.2.1
TEST(TunnelMtu, AStaticOneIsItWhateverThePathIs) {
  for (const std::uint16_t path : std::initializer_list<std::uint16_t>{68, 1000, 1500, 9000}) {
    EXPECT_EQ(tunnel_mtu(path, 1480, false), 1480) << path;
    EXPECT_EQ(tunnel_mtu(path, 65515, false), 65515) << path;
  }
}

}  // namespace
}  // namespace sixin4::engine
