// The implementations of the checksum for this processor. `sum_of_long` uses the fastest; tests compare the
// others with it.
#pragma once

#include <span>
#include <string_view>

#include "sixin4/wire/checksum.hpp"

namespace sixin4::wire {

struct SumMethod {
  /// Limit of a range, because the 32-bit lanes of vector units overflow in a longer one.
  static constexpr std::size_t longest_range = std::size_t{1} << 19U;

  std::string_view name;
  InternetSum (*sum)(Bytes) noexcept;
};

/// For any processor: 64-bit words, in four independent sums.
[[nodiscard]] InternetSum portable_sum(Bytes bytes) noexcept;

/// The fastest first, the portable one last.
[[nodiscard]] std::span<const SumMethod> sum_methods() noexcept;

}  // namespace sixin4::wire
