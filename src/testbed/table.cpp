// Results as text tables.
#include <algorithm>
#include <cmath>
#include <iomanip>
#include <sstream>
#include <vector>

#include "sixin4/base/printable.hpp"
#include "sixin4/testbed/report.hpp"

namespace sixin4::testbed {

namespace {

using Line = std::vector<std::string>;

std::string cell(const std::optional<double>& value, double scale) {
  return value ? figure_text(*value * scale) : "-";
}

Line heading_of(const Row& row) {
  Line line{"workload", "unit"};
  for (const Median& each : row.medians) line.push_back(each.contestant);
  for (const Ratio& each : row.ratios) line.push_back(each.contestant + '/' + each.reference);
  return line;
}

Line line_of(const Row& row) {
  Line line{row.workload, row.figure.unit};
  for (const Median& each : row.medians) line.push_back(cell(each.value, row.figure.scale));
  for (const Ratio& each : row.ratios) line.push_back(cell(each.value, 1));
  return line;
}

/// Aligns words to the left and figures to the right.
std::string aligned(const std::vector<Line>& lines) {
  constexpr std::size_t words = 2;
  std::vector<std::size_t> widths;
  for (const Line& line : lines) {
    widths.resize(std::max(widths.size(), line.size()));
    for (std::size_t at = 0; at < line.size(); ++at) widths[at] = std::max(widths[at], line[at].size());
  }
  std::ostringstream text;
  for (const Line& line : lines) {
    for (std::size_t at = 0; at < line.size(); ++at) {
      text << (at == 0 ? "" : "  ") << (at < words ? std::left : std::right)
           << std::setw(static_cast<int>(widths[at])) << line[at];
    }
    text << '\n';
  }
  return text.str();
}

std::string title_of(const Setting& setting, const Plan& plan) {
  std::ostringstream text;
  text << "mtu " << setting.mtu << ", receive offload " << (setting.receive_offload ? "on" : "off") << ", ";
  if (plan.rounds > 1) text << "medians of " << plan.rounds << " rounds, ";
  text << plan.seconds << " s a measurement\n";
  return text.str();
}

}  // namespace

std::string figure_text(double value) {
  constexpr int digits = 3;
  std::ostringstream text;
  const int before_the_point = value >= 1 ? static_cast<int>(std::floor(std::log10(value))) + 1 : 1;
  if (value != 0 && value < 0.01) {
    text << std::setprecision(2) << std::scientific << value;
  } else {
    text << std::fixed << std::setprecision(std::max(0, digits - before_the_point)) << value;
  }
  return text.str();
}

std::string to_table(const Results& results) {
  const std::vector<Row> rows = rows_of(results);
  std::string text =
      "Linux " + results.kernel_release + ", " + std::to_string(results.processors) + " processors\n";
  for (const Setting& setting : results.plan.settings) {
    std::vector<Line> lines;
    for (const Row& row : rows) {
      if (row.setting != setting) continue;
      if (lines.empty()) lines.push_back(heading_of(row));
      lines.push_back(line_of(row));
    }
    text += '\n' + title_of(setting, results.plan) + aligned(lines);
  }
  for (const NotAvailable& each : results.not_available) {
    text += "\nnot available: " + each.contestant + ": " + base::message_line(each.reason) + '\n';
  }
  for (const Run& run : results.runs) {
    if (run.failure.empty()) continue;
    text += "\nfailed: " + run.contestant + ", " + run.workload + ", round " + std::to_string(run.round) +
            ": " + base::message_line(run.failure) + '\n';
  }
  return text;
}

}  // namespace sixin4::testbed
