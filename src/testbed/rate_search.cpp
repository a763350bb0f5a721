#include "sixin4/testbed/rate_search.hpp"

#include <algorithm>

namespace sixin4::testbed {

namespace {

constexpr double first_rate = 16'000;
constexpr double highest_asked = 4'000'000;
constexpr double resolution = 1.03;
constexpr double lowest_of_all = 500;

bool without_loss(const TrialCounts& counts) {
  return counts.sent > 0 && (counts.sent - counts.received) * 1000 <= counts.sent;
}

struct Outcome {
  bool passes = false;
  double rate = 0;  ///< that arrived
};

Outcome outcome_of(const std::function<TrialCounts(double)>& trial, double rate) {
  TrialCounts counts = trial(rate);
  if (!without_loss(counts)) counts = trial(rate);
  return {.passes = without_loss(counts), .rate = static_cast<double>(counts.received) / counts.seconds};
}

}  // namespace

double highest_rate(const std::function<TrialCounts(double)>& trial) {
  double best = 0;
  double passed = 0;
  double failed = first_rate;
  // A sender that is held back sends less than it is asked to. When asking for twice as much has twice made
  // no difference, there is no more to be had.
  int no_difference = 0;
  while (true) {
    const Outcome outcome = outcome_of(trial, failed);
    if (!outcome.passes) break;
    no_difference = outcome.rate > best * resolution ? 0 : no_difference + 1;
    best = std::max(best, outcome.rate);
    passed = failed;
    if (no_difference == 2 || passed >= highest_asked) return best;
    failed *= 2;
  }
  while (failed > lowest_of_all && failed > passed * resolution) {
    const double rate = (passed + failed) / 2;
    const Outcome outcome = outcome_of(trial, rate);
    if (outcome.passes) best = std::max(best, outcome.rate);
    (outcome.passes ? passed : failed) = rate;
  }
  return best;
}

}  // namespace sixin4::testbed
