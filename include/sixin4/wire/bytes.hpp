// Bounds-checked access to bytes from the network. A header is a span of fixed extent: its size is checked
// once, when it is taken from a packet; the compiler checks every field offset.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <type_traits>

namespace sixin4::wire {

using Bytes = std::span<const std::uint8_t>;
using MutableBytes = std::span<std::uint8_t>;

/// The `Size` bytes at `offset`; empty if the packet is shorter.
template <std::size_t Size, typename Byte>
[[nodiscard]] constexpr std::optional<std::span<Byte, Size>> fixed(std::span<Byte> bytes,
                                                                   std::size_t offset = 0) noexcept {
  if (offset > bytes.size() || bytes.size() - offset < Size) return std::nullopt;
  return bytes.subspan(offset).template first<Size>();
}

/// The `length` bytes at `offset`; empty if the packet is shorter.
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

/// Converts from the byte order of the machine to that of the network, or back.
template <typename Word>
[[nodiscard]] constexpr Word network_order(Word word) noexcept {
  if constexpr (std::endian::native == std::endian::big) return word;
  if constexpr (sizeof word == 2) return __builtin_bswap16(word);
  if constexpr (sizeof word == 4) return __builtin_bswap32(word);
  if constexpr (sizeof word == 8) return __builtin_bswap64(word);
}

/// Loads a word in one instruction: compilers do not always combine single bytes.
template <typename Word, std::size_t Offset, typename Byte, std::size_t Size>
[[nodiscard]] constexpr Word load(std::span<Byte, Size> header) noexcept {
  static_assert(Size != std::dynamic_extent && Offset + sizeof(Word) <= Size);
  Word word = 0;
  if (std::is_constant_evaluated()) {
    for (std::size_t at = Offset; at < Offset + sizeof word; ++at) {
      word = static_cast<Word>(std::uint64_t{word} << 8U | header[at]);
    }
    return word;
  }
  std::memcpy(&word, header.template subspan<Offset>().data(), sizeof word);
  return network_order(word);
}

/// Loads a field in network byte order.
template <std::size_t Offset, typename Byte, std::size_t Size>
[[nodiscard]] constexpr std::uint16_t load16(std::span<Byte, Size> header) noexcept {
  return load<std::uint16_t, Offset>(header);
}

template <std::size_t Offset, typename Byte, std::size_t Size>
[[nodiscard]] constexpr std::uint32_t load32(std::span<Byte, Size> header) noexcept {
  return load<std::uint32_t, Offset>(header);
}

template <std::size_t Offset, typename Byte, std::size_t Size>
[[nodiscard]] constexpr std::uint64_t load64(std::span<Byte, Size> header) noexcept {
  return load<std::uint64_t, Offset>(header);
}

/// The `Count` bytes at `Offset`, for example an address.
template <std::size_t Offset, std::size_t Count, std::size_t Size>
[[nodiscard]] constexpr std::array<std::uint8_t, Count> copy_of(
    std::span<const std::uint8_t, Size> header) noexcept {
  static_assert(Size != std::dynamic_extent && Offset + Count <= Size);
  std::array<std::uint8_t, Count> octets{};
  std::copy_n(header.template subspan<Offset, Count>().data(), Count, octets.data());
  return octets;
}

/// Loads a word in the byte order of the machine. Requires that `bytes` hold a word at `offset`.
template <typename Word>
[[nodiscard]] Word load_native(Bytes bytes, std::size_t offset) noexcept {
  Word word = 0;
  std::memcpy(&word, bytes.subspan(offset, sizeof word).data(), sizeof word);
  return word;
}

template <std::size_t Offset, std::size_t Size>
constexpr void store8(std::span<std::uint8_t, Size> header, std::uint8_t value) noexcept {
  static_assert(Size != std::dynamic_extent && Offset + 1 <= Size);
  header[Offset] = value;
}

template <std::size_t Offset, std::size_t Size, typename Word>
constexpr void store(std::span<std::uint8_t, Size> header, Word value) noexcept {
  static_assert(Size != std::dynamic_extent && Offset + sizeof value <= Size);
  if (std::is_constant_evaluated()) {
    for (std::size_t count = 0; count < sizeof value; ++count) {
      header[Offset + count] = static_cast<std::uint8_t>(value >> 8U * (sizeof value - 1 - count));
    }
    return;
  }
  value = network_order(value);
  std::memcpy(header.template subspan<Offset>().data(), &value, sizeof value);
}

template <std::size_t Offset, std::size_t Size>
constexpr void store16(std::span<std::uint8_t, Size> header, std::uint16_t value) noexcept {
  store<Offset>(header, value);
}

template <std::size_t Offset, std::size_t Size>
constexpr void store32(std::span<std::uint8_t, Size> header, std::uint32_t value) noexcept {
  store<Offset>(header, value);
}

/// Requires that `to` has room for `from` and does not overlap it. Pointers, because g++ 12 copies between
/// span iterators byte by byte.
inline void copy(Bytes from, MutableBytes to) noexcept {
  std::copy_n(from.data(), from.size(), to.first(from.size()).data());
}

}  // namespace sixin4::wire
