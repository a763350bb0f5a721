// Results as a table for people and as JSON for programs.
#pragma once

#include <string>

#include "sixin4/testbed/results.hpp"

namespace sixin4::testbed {

/// A figure with about three significant digits.
[[nodiscard]] std::string figure_text(double value);

/// A table for each setting, then the contestants that are not available and the failed runs.
[[nodiscard]] std::string to_table(const Results& results);
/// One JSON object, indented, with all runs and medians. Control characters and bytes that are not UTF-8 are
/// escaped as `base::printable` does.
[[nodiscard]] std::string to_json(const Results& results);

}  // namespace sixin4::testbed
