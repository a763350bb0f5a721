// The clock of measurements and deadlines.
#pragma once

#include <algorithm>
#include <chrono>
#include <limits>

namespace sixin4::testbed {

using Clock = std::chrono::steady_clock;

[[nodiscard]] inline Clock::duration duration_of(double seconds) {
  return std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>{seconds});
}

/// Milliseconds from now until `deadline`, rounded up, as poll(2) takes them; 0 after the deadline.
[[nodiscard]] inline int poll_timeout(Clock::time_point deadline) {
  const auto remaining = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now()).count();
  return static_cast<int>(std::clamp<decltype(remaining)>(remaining, 0, std::numeric_limits<int>::max()));
}

}  // namespace sixin4::testbed
