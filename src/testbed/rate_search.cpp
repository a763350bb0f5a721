// Doubles the offered rate until a trial loses datagrams, then bisects.
#include "sixin4/testbed/rate_search.hpp"

#include <algorithm>

namespace sixin4::testbed {

namespace {

// Datagrams per second.
constexpr double first_rate = 16'000;
constexpr double highest_offered = 4'000'000;
constexpr double lowest_offered = 500;
constexpr double resolution = 1.03;  // ratio of two rates that count as equal

/// At most one datagram in a thousand lost.
bool has_passed(const TrialCounts& counts) {
  return counts.sent > 0 && (counts.sent - counts.received) * 1000 <= counts.sent;
}

struct Outcome {
  bool passes = false;
  double rate = 0;  ///< datagrams per second that arrived
};

Outcome outcome_of(const std::function<TrialCounts(double)>& trial, double rate) {
  TrialCounts counts = trial(rate);
  if (!has_passed(counts)) counts = trial(rate);
  return {.passes = has_passed(counts), .rate = static_cast<double>(counts.received) / counts.seconds};
}

}  // namespace

double highest_rate(const std::function<TrialCounts(double)>& trial) {
  double best = 0;
  double passed = 0;
  double failed = first_rate;
  // A sender under back-pressure sends less than the offered rate. The search ends when doubling the offered
  // rate has twice left the received rate the same.
  int unchanged = 0;
  while (true) {
    const Outcome outcome = outcome_of(trial, failed);
    if (!outcome.passes) break;
    unchanged = outcome.rate > best * resolution ? 0 : unchanged + 1;
    best = std::max(best, outcome.rate);
    passed = failed;
    if (unchanged == 2 || passed >= highest_offered) return best;
    failed *= 2;
  }
  while (failed > lowest_offered && failed > passed * resolution) {
    const double rate = (passed + failed) / 2;
    const Outcome outcome = outcome_of(trial, rate);
    if (outcome.passes) best = std::max(best, outcome.rate);
    (outcome.passes ? passed : failed) = rate;
  }
  return best;
}

}  // namespace sixin4::testbed
