// Results as text for people, and as JSON for programs.
#pragma once

#include <string>

#include "sixin4/testbed/results.hpp"

namespace sixin4::testbed {

/// Figures with three digits or so, whatever their size.
[[nodiscard]] std::string figure_text(double value);

[[nodiscard]] std::string to_table(const Results& results);
[[nodiscard]] std::string to_json(const Results& results);

}  // namespace sixin4::testbed
