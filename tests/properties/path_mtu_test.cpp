// The path MTU after any reports at any time, and the tunnel MTU for it.
#include "sixin4/engine/path_mtu.hpp"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <optional>
#include <vector>

#include <gtest/gtest.h>

#include "generators.hpp"

namespace sixin4::properties {
namespace {

using engine::PathMtu;
using engine::Time;
using std::chrono::seconds;

rc::Gen<std::uint16_t> any_path_mtu() {
  return between<std::uint16_t>(68, *one_of<std::uint16_t>({1600, 65535}));
}

std::optional<std::uint16_t> any_fixed_mtu() {
  if (*rc::gen::arbitrary<bool>()) return std::nullopt;
  return *between<std::uint16_t>(1280, *one_of<std::uint16_t>({1500, 65515}));
}

RC_GTEST_PROP(PathMtuProperty, RisesOnlyByBeingForgotten, ()) {
  const std::uint16_t route = *any_path_mtu();
  PathMtu path{route};
  Time now{std::chrono::hours{1}};
  std::optional<Time> last_told;
  for (int count = *between(1, 60); count > 0; --count) {
    now += seconds{*between(0, 400)};
    const std::uint16_t before = path.value();
    if (*rc::gen::arbitrary<bool>()) {
      const auto told = *between<std::uint16_t>(0, *one_of<std::uint16_t>({1600, 65535}));
      const bool lower = path.learn(told, now);
      RC_ASSERT(path.value() == (lower ? told : before));
      RC_ASSERT(path.value() <= before);
      RC_ASSERT(lower == (told >= 68 && told < before));
      if (lower || told == before) last_told = now;
    } else if (path.expire(now)) {
      RC_ASSERT(path.value() == route);
      RC_ASSERT(before < route);
      RC_ASSERT((last_told && now - *last_told >= std::chrono::minutes{10}));  // RFC 1191 §6.3
    } else {
      RC_ASSERT(path.value() == before);
      RC_ASSERT((before == route || now - *last_told < std::chrono::minutes{10}));
    }
    RC_ASSERT(path.value() >= 68U);
    RC_ASSERT(path.value() <= route);
    RC_ASSERT(path.expiry().has_value() == (path.value() != route));
  }
}

RC_GTEST_PROP(PathMtuProperty, ThePlateauIsBelowThePacketAndEndsAt68, ()) {
  // RFC 1191 §5: the next lower value of table 7-1.
  const std::vector<unsigned> table{68, 296, 508, 1006, 1492, 2002, 4352, 8166, 17914, 32000, 65535};
  const auto anywhere = between<std::uint16_t>(0, 65535);
  const auto at_one = rc::gen::cast<std::uint16_t>(rc::gen::elementOf(table));
  const std::uint16_t length = *rc::gen::oneOf(anywhere, at_one);
  const unsigned plateau = engine::plateau_below(length);
  RC_ASSERT(std::ranges::count(table, plateau) == 1);
  RC_ASSERT((plateau < length || plateau == 68U));
  RC_ASSERT(std::ranges::none_of(table, [&](unsigned other) { return other > plateau && other < length; }));
}

RC_GTEST_PROP(TunnelMtuProperty, IsOneThatIpv6MayHave, ()) {
  const std::uint16_t mtu = engine::tunnel_mtu(*any_path_mtu(), any_fixed_mtu(), *rc::gen::arbitrary<bool>());
  RC_ASSERT(mtu >= 1280U);
  RC_ASSERT(mtu <= 65515U);
}

// RFC 4213 §3.2.2
RC_GTEST_PROP(TunnelMtuProperty, WithDiscoveryFitsThePathOrIs1280, ()) {
  const std::uint16_t path = *any_path_mtu();
  const auto fixed = any_fixed_mtu();
  const unsigned mtu = engine::tunnel_mtu(path, fixed, true);
  RC_ASSERT((mtu + 20U <= path || mtu == 1280U));
  RC_ASSERT((!fixed || mtu <= *fixed));
  RC_ASSERT(engine::path_carries_ipv6(path) == (path >= 1300U));
  RC_ASSERT((!engine::path_carries_ipv6(path) || mtu + 20U <= path));  // so every packet with DF fits
  // The largest value within both limits.
  RC_ASSERT(mtu == std::max(1280U, std::min<unsigned>(path - 20U, fixed.value_or(65515))));
}

// RFC 4213 §3.2.1
RC_GTEST_PROP(TunnelMtuProperty, WithoutDiscoveryIsTheFixedOne, ()) {
  const auto fixed = *between<std::uint16_t>(1280, 65515);
  RC_ASSERT(engine::tunnel_mtu(*any_path_mtu(), fixed, false) == fixed);
}

RC_GTEST_PROP(TunnelMtuProperty, NeverFallsWhereThePathRises, ()) {
  const std::uint16_t one = *any_path_mtu();
  const std::uint16_t other = *any_path_mtu();
  const auto fixed = any_fixed_mtu();
  const bool pmtudisc = *rc::gen::arbitrary<bool>();
  RC_ASSERT(engine::tunnel_mtu(std::min(one, other), fixed, pmtudisc) <=
            engine::tunnel_mtu(std::max(one, other), fixed, pmtudisc));
}

}  // namespace
}  // namespace sixin4::properties
