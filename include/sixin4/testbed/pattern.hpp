// The payload of the traffic: a pattern whose bytes depend on their position, so that a receiver finds lost,
// repeated and changed bytes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace sixin4::testbed {

/// The most bytes that one call of `pattern` returns.
inline constexpr std::size_t max_pattern_size = 131072;

/// `size` bytes of the pattern from `position`, which may be any number; `size` is at most
/// `max_pattern_size`.
[[nodiscard]] std::span<const std::uint8_t> pattern(std::uint64_t position, std::size_t size);

/// Whether all of `bytes` equal the pattern from `position`.
[[nodiscard]] bool matches_pattern(std::span<const std::uint8_t> bytes, std::uint64_t position);

/// Whether eight bytes in a thousand equal the pattern. Every packet of 1000 bytes or more is sampled, and
/// the check does not slow the reader down.
[[nodiscard]] bool samples_match_pattern(std::span<const std::uint8_t> bytes, std::uint64_t position);

}  // namespace sixin4::testbed
