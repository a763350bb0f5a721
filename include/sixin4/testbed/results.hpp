// Measured figures, and medians and ratios over several rounds.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sixin4/testbed/plan.hpp"
#include "sixin4/testbed/workloads.hpp"

namespace sixin4::testbed {

/// One measurement: a contestant with a workload in one round.
struct Run {
  Setting setting;
  int round = 1;
  std::string contestant;
  std::string workload;
  std::vector<double> figures;  ///< as many as Workload::figures, in their order; empty after a failure
  std::string failure;          ///< empty after a success
  bool wrong_data = false;      ///< the failure is WrongData
  bool started = true;          ///< the tunnel came up
};

struct NotAvailable {
  std::string contestant;
  std::string reason;
};

struct Results {
  Plan plan;
  std::string kernel_release;
  int processors = 0;
  std::vector<Run> runs;
  std::vector<NotAvailable> not_available;
};

[[nodiscard]] bool is_available(const Results& results, std::string_view contestant);

/// Moves contestants that started in no round from `runs` to `not_available`, with the reason of their last
/// run.
void mark_never_started(Results& results);

/// The median: for an even number of values the mean of the two middle ones. `values` is not empty.
[[nodiscard]] double median(std::vector<double> values);
/// The nearest-rank percentile: the smallest value that at least `percent` in a hundred values do not exceed.
/// `values` is not empty.
[[nodiscard]] double percentile(std::vector<double> values, int percent);

/// The median of `contestant` divided by the median of `reference`.
struct Ratio {
  std::string contestant;
  std::string reference;
  std::optional<double> value;  ///< nothing if one of the medians is missing
};

struct Median {
  std::string contestant;
  std::optional<double> value;  ///< nothing if every run failed
};

/// One figure of a workload in one setting.
struct Row {
  Setting setting;
  std::string workload;
  FigureKind figure;
  std::vector<Median> medians;
  std::vector<Ratio> ratios;  ///< of sixin4's contestants to kernel and to socat
};

/// One row for each setting, workload and figure of the plan, in that order.
[[nodiscard]] std::vector<Row> rows_of(const Results& results);

}  // namespace sixin4::testbed
