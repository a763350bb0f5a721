// The MTU of the IPv4 path, and the tunnel MTU that follows from it (RFC 4213 §3.2).
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

#include "sixin4/engine/time.hpp"
#include "sixin4/wire/ipv4.hpp"
#include "sixin4/wire/ipv6.hpp"

namespace sixin4::engine {

/// The MTU of the path: that of its first link from routing, lowered by router reports (RFC 1191).
class PathMtu {
 public:
  /// RFC 1191 §6.3: a reported value expires, because no router reports that a path has become wider.
  static constexpr std::chrono::minutes lifetime{10};

  explicit PathMtu(std::uint16_t route_mtu) noexcept : route_mtu_(route_mtu), value_(route_mtu) {}

  /// Bytes of the whole IPv4 packet.
  [[nodiscard]] std::uint16_t value() const noexcept { return value_; }

  /// Takes an MTU that a router reports. Only lowers the value (RFC 1191 §3), and returns whether it did. A
  /// repeated report extends the lifetime. Ignores values below 68, which every link takes (RFC 791).
  bool learn(std::uint16_t mtu, Time now) noexcept;

  /// Restores the MTU from routing if the reported value has expired. Returns whether it had.
  bool expire(Time now) noexcept;
  /// The time of expiry; empty if there is no reported value.
  [[nodiscard]] std::optional<Time> expiry() const noexcept { return expiry_; }

 private:
  std::uint16_t route_mtu_;
  std::uint16_t value_;
  std::optional<Time> expiry_;
};

/// Estimates the next-hop MTU of a router from before RFC 1191, which reports none: the largest usual value
/// below the length of the refused packet (§5), at least 68.
[[nodiscard]] std::uint16_t plateau_below(std::uint16_t total_length) noexcept;

/// Whether the path carries an inner packet of 1280 bytes, which IPv6 needs, with DF set (RFC 4213 §3.2.2). A
/// narrower path carries it in IPv4 fragments.
[[nodiscard]] constexpr bool path_carries_ipv6(std::uint16_t path_mtu) noexcept {
  return path_mtu >= wire::ipv6_min_mtu + wire::ipv4_header_size;
}

/// The tunnel MTU for a path: the largest inner packet that fits it, at least 1280. `fixed` replaces this
/// value; with `pmtudisc` the smaller of both counts. Requires `fixed` of at least 1280.
[[nodiscard]] std::uint16_t tunnel_mtu(std::uint16_t path_mtu, std::optional<std::uint16_t> fixed,
                                       bool pmtudisc) noexcept;

}  // namespace sixin4::engine
