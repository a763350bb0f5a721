// The kinds of traffic that are measured, and what is told of each.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace sixin4::testbed {

struct Bed;

struct FigureKind {
  std::string key;   ///< in JSON; names the unit
  std::string unit;  ///< in the table
  double scale;      ///< from the one to the other
};

struct Workload {
  std::string name;
  std::string meaning;
  std::vector<FigureKind> figures;
  /// One value a figure. Throws std::runtime_error where there are none, WrongData where traffic was changed.
  std::function<std::vector<double>(const Bed& bed, double seconds)> measure;
};

[[nodiscard]] const std::vector<Workload>& workloads();
/// Nothing where there is no such workload.
[[nodiscard]] const Workload* find_workload(std::string_view name);

}  // namespace sixin4::testbed
