// The internet checksum (RFC 1071), as sums that can be put together from parts.
#pragma once

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
    return *this;
  }
  [[nodiscard]] friend constexpr InternetSum operator+(InternetSum left, InternetSum right) noexcept {
    return left += right;
  }

  /// The sum in 16 bits, as an unfinished checksum field holds it.
  [[nodiscard]] constexpr std::uint16_t folded() const noexcept {
    std::uint64_t sum = (sum_ >> 32U) + (sum_ & 0xffffffffU);
    sum = (sum >> 16U) + (sum & 0xffffU);
    sum = (sum >> 16U) + (sum & 0xffffU);
    sum = (sum >> 16U) + (sum & 0xffffU);
    return static_cast<std::uint16_t>(sum);
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

[[nodiscard]] InternetSum sum_of(Bytes bytes) noexcept;

/// The pseudo-header of RFC 8200 §8.1. `length` is that of the upper-layer packet, header included.
[[nodiscard]] InternetSum pseudo_header_sum(const Source<Ipv6Address>& source,
                                            const Destination<Ipv6Address>& destination, std::uint32_t length,
                                            std::uint8_t next_header) noexcept;

}  // namespace sixin4::wire
