// How several workers divide what comes from the far end.
#pragma once

#include <cstdint>

namespace sixin4::io {

/// A worker's part: every flow belongs to one worker, so that its packets stay in order. A flow is what has
/// the same inner addresses, and where it is TCP the same ports: other packets may be fragments, which have
/// none.
struct Share {
  std::uint32_t index = 0;  ///< of the worker, below `count`
  std::uint32_t count = 1;
  [[nodiscard]] constexpr bool is_first() const noexcept { return index == 0; }
  [[nodiscard]] constexpr bool is_all() const noexcept { return count == 1; }
};

}  // namespace sixin4::io
