// The internet checksum (RFC 1071), as sums that are combined from parts.
#pragma once

#include <bit>
#include <cstdint>

#include "sixin4/wire/address.hpp"
#include "sixin4/wire/bytes.hpp"

namespace sixin4::wire {

/// A ones'-complement sum of 16-bit words in network byte order, not yet folded. Parts are added in any
/// order; only the last part of a range may have an odd length.
class InternetSum {
 public:
  constexpr InternetSum() noexcept = default;
  constexpr explicit InternetSum(std::uint64_t words) noexcept : sum_(words) {}

  constexpr InternetSum& operator+=(InternetSum other) noexcept {
    sum_ += other.sum_;
    sum_ += sum_ < other.sum_ ? 1U : 0U;  // end-around carry
    return *this;
  }
  [[nodiscard]] friend constexpr InternetSum operator+(InternetSum left, InternetSum right) noexcept {
    return left += right;
  }

  /// The negative of the sum, which takes a part out of another sum (RFC 1624 §3).
  [[nodiscard]] constexpr InternetSum inverse() const noexcept { return InternetSum{~sum_}; }

  /// The sum folded to 16 bits, as an unfinished checksum field holds it.
  [[nodiscard]] constexpr std::uint16_t folded() const noexcept {
    // The upper half holds both halves added up, with the carry.
    const auto words = static_cast<std::uint32_t>((sum_ + std::rotl(sum_, 32)) >> 32U);
    return static_cast<std::uint16_t>((words + std::rotl(words, 16)) >> 16U);
  }
  /// The checksum field with which the range sums up to zero.
  [[nodiscard]] constexpr std::uint16_t checksum() const noexcept {
    return static_cast<std::uint16_t>(~folded());
  }
  /// The same for a transport header: 0, which in UDP means "no checksum" (RFC 8200 §8.1), becomes 0xffff.
  [[nodiscard]] constexpr std::uint16_t transport_checksum() const noexcept {
    const std::uint16_t value = checksum();
    return value == 0 ? std::uint16_t{0xffff} : value;
  }

 private:
  std::uint64_t sum_ = 0;
};

/// The change of a sum when `from` is replaced by `to` (RFC 1624 §3).
[[nodiscard]] constexpr InternetSum change_of(std::uint64_t from, std::uint64_t to) noexcept {
  return InternetSum{from}.inverse() + InternetSum{to};
}

/// Converts a sum of words in the byte order of the machine. It differs from the sum in network byte order by
/// a swap of octets only (RFC 1071 §2 B). Words of any size give sums that fold to the same value (§2 C).
[[nodiscard]] constexpr InternetSum sum_of_native_words(std::uint64_t sum) noexcept {
  return InternetSum{std::endian::native == std::endian::little ? std::rotl(sum, 8) : sum};
}

/// Limit of the ranges summed inline, because for these a call would cost more than the sum.
inline constexpr std::size_t short_range = 64;
[[nodiscard]] inline InternetSum sum_of_short(Bytes bytes) noexcept {
  std::uint64_t sum = 0;
  std::uint64_t carries = 0;
  const auto add = [&](std::uint64_t words) {
    sum += words;
    carries += sum < words ? 1U : 0U;
  };
  std::size_t at = 0;
  for (; bytes.size() - at >= 8; at += 8) add(load_native<std::uint64_t>(bytes, at));
  if ((bytes.size() & 4U) != 0) {
    add(load_native<std::uint32_t>(bytes, at));
    at += 4;
  }
  if ((bytes.size() & 2U) != 0) {
    add(load_native<std::uint16_t>(bytes, at));
    at += 2;
  }
  if ((bytes.size() & 1U) != 0) {
    add(std::endian::native == std::endian::little ? bytes[at] : std::uint64_t{bytes[at]} << 8U);
  }
  return sum_of_native_words(sum) + sum_of_native_words(carries);
}
[[nodiscard]] InternetSum sum_of_long(Bytes bytes) noexcept;

[[nodiscard]] inline InternetSum sum_of(Bytes bytes) noexcept {
  return bytes.size() <= short_range ? sum_of_short(bytes) : sum_of_long(bytes);
}

/// The part of the pseudo-header sum that is equal in all packets of a flow.
[[nodiscard]] constexpr InternetSum sum_of_addresses(const Source<Ipv6Address>& source,
                                                     const Destination<Ipv6Address>& destination) noexcept {
  return InternetSum{source.address.high()} + InternetSum{source.address.low()} +
         InternetSum{destination.address.high()} + InternetSum{destination.address.low()};
}

/// The sum of the pseudo-header (RFC 8200 §8.1). `length` is that of the upper-layer packet with its header.
[[nodiscard]] constexpr InternetSum pseudo_header_sum(const Source<Ipv6Address>& source,
                                                      const Destination<Ipv6Address>& destination,
                                                      std::uint32_t length,
                                                      std::uint8_t next_header) noexcept {
  return sum_of_addresses(source, destination) + InternetSum{std::uint64_t{length} + next_header};
}

}  // namespace sixin4::wire
