// Explicit congestion notification through a tunnel (RFC 6040).
#pragma once

#include <array>
#include <cstdint>
#include <optional>

namespace sixin4::engine {

/// The low two bits of an IPv4 TOS octet or an IPv6 traffic class (RFC 3168 §5).
inline constexpr std::uint8_t ecn_mask = 0x03;
inline constexpr std::uint8_t not_ect = 0;
inline constexpr std::uint8_t ect_1 = 1;
inline constexpr std::uint8_t ect_0 = 2;
inline constexpr std::uint8_t ce = 3;

/// The traffic class of a decapsulated packet: DSCP from the inner header, ECN by figure 4 of RFC 6040 §4.2.
/// Empty if the packet is to be dropped: the outer header signals congestion, and the inner flow has no ECN.
[[nodiscard]] constexpr std::optional<std::uint8_t> decapsulated_traffic_class(std::uint8_t inner,
                                                                               std::uint8_t outer) noexcept {
  constexpr std::uint8_t drop = 0xff;
  // Rows: the inner field; columns: the outer field; both in the order 00 Not-ECT, 01 ECT(1), 10 ECT(0), 11
  // CE.
  constexpr std::array<std::array<std::uint8_t, 4>, 4> figure_4{{
      {not_ect, not_ect, not_ect, drop},
      {ect_1, ect_1, ect_1, ce},
      {ect_0, ect_1, ect_0, ce},
      {ce, ce, ce, ce},
  }};
  const std::uint8_t field = figure_4[inner & ecn_mask][outer & ecn_mask];
  if (field == drop) return std::nullopt;
  return static_cast<std::uint8_t>((inner & ~unsigned{ecn_mask}) | field);
}

}  // namespace sixin4::engine
