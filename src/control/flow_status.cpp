#include "sixin4/control/flow_status.hpp"

#include <limits>
#include <utility>

#include <nlohmann/json.hpp>

#include "sixin4/base/json_text.hpp"
#include "sixin4/base/number.hpp"
#include "sixin4/wire/address_text.hpp"
#include "sixin4/wire/protocol_text.hpp"

namespace sixin4::control {

namespace {

using json = nlohmann::ordered_json;

constexpr std::string_view request_prefix = "flows ";

}  // namespace

std::string flow_request(std::uint32_t first) {
  return std::string{request_prefix} + std::to_string(first);
}

std::optional<std::uint32_t> first_flow_of(std::string_view request) {
  if (!request.starts_with(request_prefix)) return std::nullopt;
  request.remove_prefix(request_prefix.size());
  constexpr std::uint32_t most = std::numeric_limits<std::uint32_t>::max();
  return base::number_in<std::uint32_t>(request, 0, most);
}

std::string to_json(const FlowPage& page) {
  json flows = json::array();
  for (const FlowStatus& flow : page.flows) {
    flows.push_back({{"protocol", wire::protocol_name(flow.protocol)},
                     {"source", to_string(flow.source)},
                     {"source_port", flow.source_port},
                     {"outside_source", to_string(flow.outside_source)},
                     {"destination", to_string(flow.destination)},
                     {"destination_port", flow.destination_port},
                     {"state", flow.state},
                     {"rule", flow.rule},
                     {"begun", flow.begun_inside ? "inside" : "outside"},
                     {"idle_s", flow.idle_s}});
  }
  json object{{"flows", std::move(flows)}};
  if (page.next) object["next"] = *page.next;
  return base::to_json_text(object);
}

}  // namespace sixin4::control
