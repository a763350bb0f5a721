#include "sixin4/engine/path_mtu.hpp"

#include <algorithm>
#include <array>

namespace sixin4::engine {

namespace {

// RFC 1191 §7, table 7-1.
constexpr std::array<std::uint16_t, 11> plateaus{65535, 32000, 17914, 8166, 4352, 2002,
                                                 1492,  1006,  508,   296,  68};

}  // namespace

bool PathMtu::learn(std::uint16_t mtu, Time now) noexcept {
  if (mtu < wire::ipv4_min_mtu || mtu > value_ || mtu >= route_mtu_) return false;
  expiry_ = now + lifetime;
  const bool lower = mtu < value_;
  value_ = mtu;
  return lower;
}

bool PathMtu::expire(Time now) noexcept {
  if (!expiry_ || now < *expiry_) return false;
  expiry_.reset();
  value_ = route_mtu_;
  return true;
}

std::uint16_t plateau_below(std::uint16_t total_length) noexcept {
  const auto* const below =
      std::ranges::find_if(plateaus, [&](std::uint16_t plateau) { return plateau < total_length; });
  return below == plateaus.end() ? plateaus.back() : *below;
}

std::uint16_t tunnel_mtu(std::uint16_t path_mtu, std::optional<std::uint16_t> fixed, bool pmtudisc) noexcept {
  const auto room = static_cast<std::uint16_t>(path_carries_ipv6(path_mtu) ? path_mtu - wire::ipv4_header_size
                                                                           : wire::ipv6_min_mtu);
  if (!fixed) return room;
  return pmtudisc ? std::min(*fixed, room) : *fixed;
}

}  // namespace sixin4::engine
