// The ways in which this processor can add up a range. `sum_of` takes the fastest; the others are here to be
// compared with it.
#pragma once

#include <span>
#include <string_view>

#include "sixin4/wire/checksum.hpp"

namespace sixin4::wire {

struct SumMethod {
  /// Vector units count in 32-bit lanes, which may overflow where a range is longer.
  static constexpr std::size_t longest_range = std::size_t{1} << 19U;

  std::string_view name;
  InternetSum (*sum)(Bytes) noexcept;
};

/// Any processor's: 64-bit words, in four sums that do not wait for one another.
[[nodiscard]] InternetSum portable_sum(Bytes bytes) noexcept;

/// The fastest first, the portable one last.
[[nodiscard]] std::span<const SumMethod> sum_methods() noexcept;

}  // namespace sixin4::wire
