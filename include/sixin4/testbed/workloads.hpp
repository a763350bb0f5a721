// The kinds of traffic that the testbed measures, and the figures of each.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace sixin4::testbed {

struct Bed;

struct FigureKind {
  std::string key;   ///< name in JSON, with the unit of the value
  std::string unit;  ///< unit in the table
  double scale;      ///< table value = JSON value * scale
};

struct Workload {
  std::string name;
  std::string meaning;
  std::vector<FigureKind> figures;
  /// Returns one value for each of `figures`, after about `seconds`. Throws WrongData if the tunnel changed
  /// the traffic, std::runtime_error if the measurement failed.
  std::function<std::vector<double>(const Bed& bed, double seconds)> measure;
};

[[nodiscard]] const std::vector<Workload>& workloads();
/// Null if there is no such workload.
[[nodiscard]] const Workload* find_workload(std::string_view name);

}  // namespace sixin4::testbed
