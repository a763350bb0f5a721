// The MTU of the IPv4 path, and the tunnel MTU that follows from it (RFC 4213 §3.2).
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

#include "sixin4/engine/time.hpp"
#include "sixin4/wire/ipv4.hpp"
#include "sixin4/wire/ipv6.hpp"

namespace sixin4::engine {

/// The MTU of the path: that of its first link from routing, lowered by what routers report (RFC 1191).
class PathMtu {
 public:
  /// RFC 1191 §6.3: a reported value expires, because no router reports that a path has become wider.
  static constexpr std::chrono::minutes lifetime{10};

  explicit PathMtu(std::uint16_t route_mtu) noexcept : route_mtu_(route_mtu), value_(route_mtu) {}

  /// Bytes of the whole IPv4 packet.
  [[nodiscard]] std::uint16_t value() const noexcept { return value_; }

  /// A router reports `mtu`. Only lowers the value (RFC 1191 §3), and returns whether it did. Ignores values
  /// below 68, the least that a link takes (RFC 791).
  bool learn(std::uint16_t mtu, Time now) noexcept;

  /// Returns to the MTU from routing if the reported value has expired, and whether it had.
  bool expire(Time now) noexcept;
  /// The time of expiry; empty if there is no reported value.
  [[nodiscard]] std::optional<Time> expiry() const noexcept { return expiry_; }

 private:
  std::uint16_t route_mtu_;
  std::uint16_t value_;
  std::optional<Time> expiry_;
};

/// Estimates the next-hop MTU of a router from before RFC 1191, which reports none: the largest usual value
/// below the length of the refused packet (§5).
[[nodiscard]] std::uint16_t plateau_below(std::uint16_t total_length) noexcept;

/// Dynamic MTU (§3.2.2): whether the path carries 1280 bytes, which IPv6 needs, in a packet with DF set. A
/// narrower path carries them as IPv4 fragments.
[[nodiscard]] constexpr bool path_carries_ipv6(std::uint16_t path_mtu) noexcept {
  return path_mtu >= wire::ipv6_min_mtu + wire::ipv4_header_size;
}

/// The tunnel MTU for a path, never below 1280. With `fixed`: that value, with `pmtudisc` at most what fits
/// the path. Without: what fits the path.
[[nodiscard]] std::uint16_t tunnel_mtu(std::uint16_t path_mtu, std::optional<std::uint16_t> fixed,
                                       bool pmtudisc) noexcept;

}  // namespace sixin4::engine
