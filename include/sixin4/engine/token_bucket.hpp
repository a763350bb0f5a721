// A bound on how often something happens (RFC 4443 §2.4 (f) names it for ICMPv6 errors).
#pragma once

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

  /// Whether one more may happen now; if so its token is taken.
  [[nodiscard]] bool take(Time now) noexcept;

 private:
  Time::duration interval_;  ///< in which one token comes
  Time::duration burst_;     ///< in which an empty bucket becomes full
  Time::duration filled_ = burst_;
  std::optional<Time> last_;
};

}  // namespace sixin4::engine
