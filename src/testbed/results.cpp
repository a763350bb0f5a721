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
    const auto other = std::ranges::find(medians, reference, &Median::contestant);
    if (other == medians.end()) continue;
    for (const Median& own : medians) {
      if (is_reference(own.contestant)) continue;
      const bool known = own.value && other->value && *other->value > 0;
      ratios.push_back(
          {own.contestant, reference, known ? std::optional{*own.value / *other->value} : std::nullopt});
    }
  }
  return ratios;
}

}  // namespace

bool is_available(const Results& results, std::string_view contestant) {
  return std::ranges::find(results.not_available, contestant, &NotAvailable::contestant) ==
         results.not_available.end();
}

void name_those_that_never_started(Results& results) {
  for (const std::string& contestant : results.plan.contestants) {
    const auto its = [&contestant](const Run& run) { return run.contestant == contestant; };
    const auto last = std::ranges::find_if(results.runs.rbegin(), results.runs.rend(), its);
    if (last == results.runs.rend()) continue;
    const bool has_started =
        std::ranges::any_of(results.runs, [&its](const Run& run) { return its(run) && run.started; });
    if (has_started) continue;
    if (is_available(results, contestant)) {
      results.not_available.push_back({contestant, last->failure});
    }
    std::erase_if(results.runs, its);
  }
}

double median(std::vector<double> values) {
  std::ranges::sort(values);
  const std::size_t middle = values.size() / 2;
  return values.size() % 2 == 1 ? values.at(middle) : (values.at(middle - 1) + values.at(middle)) / 2;
}

double percentile(std::vector<double> values, int hundredths) {
  std::ranges::sort(values);
  const std::size_t rank = (values.size() * static_cast<std::size_t>(hundredths) + 99) / 100;
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
