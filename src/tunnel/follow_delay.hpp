// How long the control thread waits after an announcement of the host before it looks at the change.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

#include "sixin4/engine/token_bucket.hpp"

namespace sixin4::tunnel {

/// Changes come in bursts, and one look answers all announcements of a burst. A small burst is answered at
/// once, because a sender that is faster than the look may get an ICMPv6 error with an MTU that is no longer
/// true. A long burst, for example a full routing table, is looked at some twenty times a second.
class FollowDelay {
 public:
  using Clock = std::chrono::steady_clock;

  void announce() {
    if (due_) return;
    const auto now = Clock::now();
    due_ = now + (quick_looks_.take(now) ? quick_delay : delay_in_long_bursts);
  }

  /// The time of the look; nullopt: nothing has been announced since the last one.
  [[nodiscard]] const std::optional<Clock::time_point>& due() const noexcept { return due_; }

  /// True if the look is due now. The next announcement then starts a new delay.
  [[nodiscard]] bool take() {
    if (!due_ || Clock::now() < *due_) return false;
    due_.reset();
    return true;
  }

 private:
  static constexpr std::chrono::milliseconds quick_delay{2};
  static constexpr std::chrono::milliseconds delay_in_long_bursts{100};
  static constexpr std::uint32_t quick_looks_a_second = 10;
  static constexpr std::uint32_t quick_looks_in_a_burst = 20;

  std::optional<Clock::time_point> due_;
  engine::TokenBucket quick_looks_{quick_looks_a_second, quick_looks_in_a_burst};
};

}  // namespace sixin4::tunnel
