// Bounds-checked access to bytes from the network. A header is a span of fixed extent, checked once
// when it is taken from a packet; after that every field offset is checked by the compiler.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

namespace sixin4::wire {

using Bytes = std::span<const std::uint8_t>;
using MutableBytes = std::span<std::uint8_t>;

/// The `Size` bytes at `offset`, or nothing where the packet is shorter.
template <std::size_t Size, typename Byte>
[[nodiscard]] constexpr std::optional<std::span<Byte, Size>> fixed(std::span<Byte> bytes,
                                                                   std::size_t offset = 0) noexcept {
  if (offset > bytes.size() || bytes.size() - offset < Size) return std::nullopt;
  return bytes.subspan(offset).template first<Size>();
}

/// The `length` bytes at `offset`, or nothing where the packet is shorter.
template <typename Byte>
[[nodiscard]] constexpr std::optional<std::span<Byte>> slice(std::span<Byte> bytes, std::size_t offset,
                                                             std::size_t length) noexcept {
  if (offset > bytes.size() || bytes.size() - offset < length) return std::nullopt;
  return bytes.subspan(offset, length);
}

template <std::size_t Offset, typename Byte, std::size_t Size>
[[nodiscard]] constexpr std::uint8_t load8(std::span<Byte, Size> header) noexcept {
  static_assert(Size != std::dynamic_extent && Offset + 1 <= Size);
  return header[Offset];
}

/// Network byte order, as every field but those of the virtio-net header.
template <std::size_t Offset, typename Byte, std::size_t Size>
[[nodiscard]] constexpr std::uint16_t load16(std::span<Byte, Size> header) noexcept {
  static_assert(Size != std::dynamic_extent && Offset + 2 <= Size);
  return static_cast<std::uint16_t>(header[Offset] << 8U | header[Offset + 1]);
}

template <std::size_t Offset, typename Byte, std::size_t Size>
[[nodiscard]] constexpr std::uint32_t load32(std::span<Byte, Size> header) noexcept {
  static_assert(Size != std::dynamic_extent && Offset + 4 <= Size);
  return std::uint32_t{header[Offset]} << 24U | std::uint32_t{header[Offset + 1]} << 16U |
         std::uint32_t{header[Offset + 2]} << 8U | std::uint32_t{header[Offset + 3]};
}

template <std::size_t Offset, std::size_t Size>
constexpr void store8(std::span<std::uint8_t, Size> header, std::uint8_t value) noexcept {
  static_assert(Size != std::dynamic_extent && Offset + 1 <= Size);
  header[Offset] = value;
}

template <std::size_t Offset, std::size_t Size>
constexpr void store16(std::span<std::uint8_t, Size> header, std::uint16_t value) noexcept {
  static_assert(Size != std::dynamic_extent && Offset + 2 <= Size);
  header[Offset] = static_cast<std::uint8_t>(value >> 8U);
  header[Offset + 1] = static_cast<std::uint8_t>(value);
}

template <std::size_t Offset, std::size_t Size>
constexpr void store32(std::span<std::uint8_t, Size> header, std::uint32_t value) noexcept {
  static_assert(Size != std::dynamic_extent && Offset + 4 <= Size);
  store16<Offset>(header, static_cast<std::uint16_t>(value >> 16U));
  store16<Offset + 2>(header, static_cast<std::uint16_t>(value));
}

}  // namespace sixin4::wire
