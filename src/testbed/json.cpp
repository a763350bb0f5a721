// Results as JSON.
#include <nlohmann/json.hpp>

#include "sixin4/base/json_text.hpp"
#include "sixin4/testbed/report.hpp"

namespace sixin4::testbed {

namespace {

using Json = nlohmann::ordered_json;

Json value_of(const std::optional<double>& value) {
  return value ? Json(*value) : Json();
}

Json json_of(const Run& run) {
  Json figures;
  if (const Workload* workload = find_workload(run.workload); workload != nullptr) {
    for (std::size_t at = 0; at < run.figures.size(); ++at)
      figures[workload->figures.at(at).key] = run.figures[at];
  }
  return {{"mtu", run.setting.mtu},
          {"receive_offload", run.setting.receive_offload},
          {"round", run.round},
          {"contestant", run.contestant},
          {"workload", run.workload},
          {"figures", figures},
          {"failure", run.failure.empty() ? Json() : Json(run.failure)}};
}

Json json_of(const Row& row) {
  Json medians = Json::object();
  for (const Median& each : row.medians) medians[each.contestant] = value_of(each.value);
  Json ratios = Json::object();
  for (const Ratio& each : row.ratios) ratios[each.contestant + '/' + each.reference] = value_of(each.value);
  return {{"mtu", row.setting.mtu},   {"receive_offload", row.setting.receive_offload},
          {"workload", row.workload}, {"figure", row.figure.key},
          {"medians", medians},       {"ratios", ratios}};
}

}  // namespace

std::string to_json(const Results& results) {
  Json not_available = Json::array();
  for (const NotAvailable& each : results.not_available) {
    not_available.push_back({{"contestant", each.contestant}, {"reason", each.reason}});
  }
  Json medians = Json::array();
  for (const Row& row : rows_of(results)) medians.push_back(json_of(row));
  Json runs = Json::array();
  for (const Run& run : results.runs) runs.push_back(json_of(run));
  const Json document{{"kernel", results.kernel_release},
                      {"processors", results.processors},
                      {"rounds", results.plan.rounds},
                      {"seconds", results.plan.seconds},
                      {"not_available", not_available},
                      {"medians", medians},
                      {"runs", runs}};
  constexpr int indent = 1;
  return base::to_json_text(document, indent) + '\n';
}

}  // namespace sixin4::testbed
