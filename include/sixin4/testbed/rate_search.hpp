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

/// Returns the highest rate that `trial` passes with at most one datagram in a thousand lost, as datagrams
/// per second that arrived, or 0 if no rate passes. A trial that fails is repeated once, because the host may
/// have been busy with other work.
[[nodiscard]] double highest_rate(const std::function<TrialCounts(double rate)>& trial);

}  // namespace sixin4::testbed
