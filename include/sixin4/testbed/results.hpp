// What was measured, and what follows from several rounds of it.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sixin4/testbed/plan.hpp"
#include "sixin4/testbed/workloads.hpp"

namespace sixin4::testbed {

/// One contestant, one workload, once.
struct Run {
  Setting setting;
  int round = 1;
  std::string contestant;
  std::string workload;
  std::vector<double> figures;  ///< one a kind of the workload's; empty where it failed
  std::string failure;
  bool wrong_data = false;  ///< it failed because of what arrived
  bool started = true;      ///< there was a tunnel to measure
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

/// Makes a contestant that has not started a single time one that is not available, without any runs.
void name_those_that_never_started(Results& results);

/// Of at least one value; the mean of the two in the middle where their number is even.
[[nodiscard]] double median(std::vector<double> values);
/// The smallest value that at least so many in a hundred do not exceed. Of at least one value.
[[nodiscard]] double percentile(std::vector<double> values, int hundredths);

/// One contestant's figure over another's.
struct Ratio {
  std::string contestant;
  std::string reference;
  std::optional<double> value;
};

struct Median {
  std::string contestant;
  std::optional<double> value;  ///< nothing where every run failed
};

/// One figure of a workload in one setting.
struct Row {
  Setting setting;
  std::string workload;
  FigureKind figure;
  std::vector<Median> medians;
  std::vector<Ratio> ratios;  ///< of this program's contestants to the kernel's tunnel and to socat
};

[[nodiscard]] std::vector<Row> rows_of(const Results& results);

}  // namespace sixin4::testbed
