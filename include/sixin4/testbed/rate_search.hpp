// The search for the highest packet rate that passes without loss.
#pragma once

#include <cstdint>
#include <functional>

namespace sixin4::testbed {

struct TrialCounts {
  std::uint64_t sent = 0;
  std::uint64_t received = 0;
  double seconds = 0;  ///< the time that sending took
};

/// Calls `trial` with offered rates, in datagrams per second. Returns the highest rate at which datagrams
/// arrived in a trial that lost at most one in a thousand, or 0 if every trial lost more. A trial that fails
/// is repeated once, because the host may have been busy with other work.
[[nodiscard]] double highest_rate(const std::function<TrialCounts(double rate)>& trial);

}  // namespace sixin4::testbed
