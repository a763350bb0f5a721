// The internet checksum (RFC 1071), as sums that can be put together from parts.
#pragma once

#include <bit>
#include <cstdint>

#include "sixin4/wire/address.hpp"
#include "sixin4/wire/bytes.hpp"

namespace sixin4::wire {

/// A ones'-complement sum of 16-bit words in network byte order, not yet folded. Parts may be added in
/// any order; only the last part of a checksummed range may have an odd length.
class InternetSum {
 public:
  constexpr InternetSum() noexcept = default;
  constexpr explicit InternetSum(std::uint64_t words) noexcept : sum_(words) {}

  constexpr InternetSum& operator+=(InternetSum other) noexcept {
    sum_ += other.sum_;
    sum_ += sum_ < other.sum_ ? 1U : 0U;  // the carry comes in at the low end
    return *this;
  }
  [[nodiscard]] friend constexpr InternetSum operator+(InternetSum left, InternetSum right) noexcept {
    return left += right;
  }

  /// What added to this sum makes zero: takes a part out again (RFC 1624 §3).
  [[nodiscard]] constexpr InternetSum inverse() const noexcept { return InternetSum{~sum_}; }

  /// The sum in 16 bits, as an unfinished checksum field holds it.
  [[nodiscard]] constexpr std::uint16_t folded() const noexcept {
    // Both halves, each with the carry out of the other, stand in the upper half of the sum.
    const auto words = static_cast<std::uint32_t>((sum_ + std::rotl(sum_, 32)) >> 32U);
    return static_cast<std::uint16_t>((words + std::rotl(words, 16)) >> 16U);
  }
  /// The checksum field that makes the range sum up to zero.
  [[nodiscard]] constexpr std::uint16_t checksum() const noexcept {
    return static_cast<std::uint16_t>(~folded());
  }
  /// The same for a transport header: zero, which in UDP means "none" (RFC 8200 §8.1), becomes its equal
  /// 0xffff.
  [[nodiscard]] constexpr std::uint16_t transport_checksum() const noexcept {
    const std::uint16_t value = checksum();
    return value == 0 ? std::uint16_t{0xffff} : value;
  }

 private:
  std::uint64_t sum_ = 0;
};

/// The sum does not depend on the byte order in which it is taken, but for a swap of the octets of the result
/// (RFC 1071 §2 B): words are added as the machine loads them. Other word sizes give other sums that fold to
/// the same (§2 C).
[[nodiscard]] constexpr InternetSum sum_of_native_words(std::uint64_t sum) noexcept {
  return InternetSum{std::endian::native == std::endian::little ? std::rotl(sum, 8) : sum};
}

/// What a call costs is more than adding up so little.
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

/// The part of a pseudo-header that all packets of a flow share.
[[nodiscard]] constexpr InternetSum sum_of_addresses(const Source<Ipv6Address>& source,
                                                     const Destination<Ipv6Address>& destination) noexcept {
  return InternetSum{source.address.high()} + InternetSum{source.address.low()} +
         InternetSum{destination.address.high()} + InternetSum{destination.address.low()};
}

/// The pseudo-header of RFC 8200 §8.1. `length` is that of the upper-layer packet, header included.
[[nodiscard]] constexpr InternetSum pseudo_header_sum(const Source<Ipv6Address>& source,
                                                      const Destination<Ipv6Address>& destination,
                                                      std::uint32_t length,
                                                      std::uint8_t next_header) noexcept {
  return sum_of_addresses(source, destination) + InternetSum{std::uint64_t{length} + next_header};
}

}  // namespace sixin4::wire
