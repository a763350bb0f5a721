// The clock of measurements and time limits.
#pragma once

#include <chrono>

namespace sixin4::bench {

using Clock = std::chrono::steady_clock;

[[nodiscard]] inline Clock::duration duration_of(double seconds) {
  return std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>{seconds});
}

}  // namespace sixin4::bench
