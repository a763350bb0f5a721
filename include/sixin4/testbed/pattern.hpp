// What the traffic consists of: bytes of which each stretch tells where it belongs.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace sixin4::testbed {

/// The longest stretch that can be had at once.
inline constexpr std::size_t longest_stretch = 131072;

/// `size` bytes of the pattern from `position`, which may be any number.
[[nodiscard]] std::span<const std::uint8_t> pattern(std::uint64_t position, std::size_t size);

/// Whether `bytes` are the pattern from `position`: all of them.
[[nodiscard]] bool is_pattern(std::span<const std::uint8_t> bytes, std::uint64_t position);

/// The same, looking at eight bytes in a thousand: enough to see every packet, too few to slow the reader
/// down.
[[nodiscard]] bool seems_pattern(std::span<const std::uint8_t> bytes, std::uint64_t position);

}  // namespace sixin4::testbed
