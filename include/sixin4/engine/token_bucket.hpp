// Limits the rate of events; RFC 4443 §2.4 (f) suggests it for ICMPv6 errors.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <optional>

#include "sixin4/engine/time.hpp"

namespace sixin4::engine {

class TokenBucket {
 public:
  TokenBucket(std::uint32_t per_second, std::uint32_t burst) noexcept
      : interval_(std::chrono::nanoseconds{std::chrono::seconds{1}} / per_second),
        burst_(interval_ * burst) {}

  /// Takes a token; false if there is none.
  [[nodiscard]] bool take(Time now) noexcept {
    if (!last_) last_ = now;
    if (now > *last_) {
      filled_ = std::min(burst_, filled_ + (now - *last_));
      last_ = now;
    }
    if (filled_ < interval_) return false;
    filled_ -= interval_;
    return true;
  }

 private:
  Time::duration interval_;  ///< time to gain one token
  Time::duration burst_;     ///< time to fill an empty bucket
  Time::duration filled_ = burst_;
  std::optional<Time> last_;
};

}  // namespace sixin4::engine
