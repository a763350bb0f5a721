// The MTU of the IPv4 path, and the tunnel MTU that follows from it (RFC 4213 §3.2).
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

#include "sixin4/engine/time.hpp"
#include "sixin4/wire/ipv4.hpp"
#include "sixin4/wire/ipv6.hpp"

namespace sixin4::engine {

/// What the path takes: what routing says of its first link, and what routers further on have said since
/// (RFC 1191).
class PathMtu {
 public:
  /// RFC 1191 §6.3: a path may have become better, and nobody tells.
  static constexpr std::chrono::minutes lifetime{10};

  explicit PathMtu(std::uint16_t route_mtu) noexcept : route_mtu_(route_mtu), value_(route_mtu) {}

  /// In bytes of the whole IPv4 packet.
  [[nodiscard]] std::uint16_t value() const noexcept { return value_; }

  /// A router cannot pass on more than `mtu`. It only ever lowers the value (RFC 1191 §3): says whether it
  /// did. What is below 68, the least that a link must take (RFC 791), is ignored.
  bool learn(std::uint16_t mtu, Time now) noexcept;

  /// Forgets what has become too old, and says whether that was anything.
  bool expire(Time now) noexcept;
  /// When that will be; nothing where there is nothing to forget.
  [[nodiscard]] std::optional<Time> expiry() const noexcept { return expiry_; }

 private:
  std::uint16_t route_mtu_;
  std::uint16_t value_;
  std::optional<Time> expiry_;
};

/// The next-hop MTU of a router from before RFC 1191, which tells none: the largest of the usual ones below
/// the packet that it refused (§5).
[[nodiscard]] std::uint16_t plateau_below(std::uint16_t total_length) noexcept;

/// Dynamic MTU (§3.2.2): whether the path is wide enough for packets with DF set. IPv6 needs 1280 bytes of
/// every link; a path that takes less carries them as IPv4 fragments.
[[nodiscard]] constexpr bool path_carries_ipv6(std::uint16_t path_mtu) noexcept {
  return path_mtu >= wire::ipv6_min_mtu + wire::ipv4_header_size;
}

/// The tunnel MTU over a path: with `pmtudisc` what fits it whole, at most `fixed`; without, `fixed`, however
/// small the path. Where nothing is fixed it follows the path in both cases. Never below 1280.
[[nodiscard]] std::uint16_t tunnel_mtu(std::uint16_t path_mtu, std::optional<std::uint16_t> fixed,
                                       bool pmtudisc) noexcept;

}  // namespace sixin4::engine
