// Medians, ratios and rows of the results.
#include "sixin4/testbed/results.hpp"

#include <algorithm>
#include <string_view>

namespace sixin4::testbed {

namespace {

bool is_reference(std::string_view contestant) {
  return contestant == "kernel" || contestant == "socat";
}

std::vector<Median> medians_of(const Results& results, const Setting& setting, const std::string& workload,
                               std::size_t figure) {
  std::vector<Median> medians;
  for (const std::string& contestant : results.plan.contestants) {
    bool took_part = false;
    std::vector<double> values;
    for (const Run& run : results.runs) {
      if (run.contestant != contestant) continue;
      took_part = true;
      if (run.setting != setting || run.workload != workload || run.figures.empty()) continue;
      values.push_back(run.figures.at(figure));
    }
    if (!took_part) continue;
    medians.push_back({contestant, values.empty() ? std::nullopt : std::optional{median(values)}});
  }
  return medians;
}

std::vector<Ratio> ratios_of(const std::vector<Median>& medians) {
  std::vector<Ratio> ratios;
  for (const std::string reference : {"kernel", "socat"}) {
    const auto divisor = std::ranges::find(medians, reference, &Median::contestant);
    if (divisor == medians.end()) continue;
    for (const Median& median : medians) {
      if (is_reference(median.contestant)) continue;
      const bool both = median.value && divisor->value && *divisor->value > 0;
      ratios.push_back({median.contestant, reference,
                        both ? std::optional{*median.value / *divisor->value} : std::nullopt});
    }
  }
  return ratios;
}

}  // namespace

bool is_available(const Results& results, std::string_view contestant) {
  return std::ranges::find(results.not_available, contestant, &NotAvailable::contestant) ==
         results.not_available.end();
}

void mark_never_started(Results& results) {
  for (const std::string& contestant : results.plan.contestants) {
    const auto is_of_contestant = [&contestant](const Run& run) { return run.contestant == contestant; };
    const auto last = std::ranges::find_if(results.runs.rbegin(), results.runs.rend(), is_of_contestant);
    if (last == results.runs.rend()) continue;
    const bool has_started = std::ranges::any_of(
        results.runs, [&](const Run& run) { return is_of_contestant(run) && run.started; });
    if (has_started) continue;
    if (is_available(results, contestant)) {
      results.not_available.push_back({contestant, last->failure});
    }
    std::erase_if(results.runs, is_of_contestant);
  }
}

double median(std::vector<double> values) {
  std::ranges::sort(values);
  const std::size_t middle = values.size() / 2;
  return values.size() % 2 == 1 ? values.at(middle) : (values.at(middle - 1) + values.at(middle)) / 2;
}

double percentile(std::vector<double> values, int percent) {
  std::ranges::sort(values);
  const std::size_t rank = (values.size() * static_cast<std::size_t>(percent) + 99) / 100;
  return values.at(std::max<std::size_t>(rank, 1) - 1);
}

std::vector<Row> rows_of(const Results& results) {
  std::vector<Row> rows;
  for (const Setting& setting : results.plan.settings) {
    for (const std::string& name : results.plan.workloads) {
      const Workload* workload = find_workload(name);
      for (std::size_t figure = 0; workload != nullptr && figure < workload->figures.size(); ++figure) {
        std::vector<Median> medians = medians_of(results, setting, name, figure);
        std::vector<Ratio> ratios = ratios_of(medians);
        rows.push_back({setting, name, workload->figures[figure], std::move(medians), std::move(ratios)});
      }
    }
  }
  return rows;
}

}  // namespace sixin4::testbed
