#include "sixin4/control/flow_status.hpp"

#include <limits>
#include <sstream>
#include <utility>

#include <nlohmann/json.hpp>

#include "sixin4/base/number.hpp"
#include "sixin4/base/printable.hpp"
#include "sixin4/base/json_text.hpp"
#include "sixin4/wire/address_text.hpp"
#include "sixin4/wire/protocol_text.hpp"

#include "read_answer.hpp"

namespace sixin4::control {

namespace {

using json = nlohmann::ordered_json;

constexpr std::string_view request_prefix = "flows ";

/// As tcpdump(8) writes it.
std::string with_port(const json& address, const json& port) {
  std::string text = base::printable(address.get<std::string>());
  if (port.get<int>() != 0) text += "." + std::to_string(port.get<int>());
  return text;
}

json flows_of(std::span<const std::string> pages) {
  return read_answer([&] {
    json list = json::array();
    for (const std::string& page : pages) {
      const json parsed = base::parse_json_text(page);
      for (const json& flow : parsed.at("flows")) list.push_back(flow);
    }
    return list;
  });
}

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

std::vector<std::string> ask_for_flows(const std::function<std::string(const std::string& request)>& ask) {
  std::vector<std::string> pages;
  for (std::optional<std::uint32_t> first = 0; first;) {
    pages.push_back(ask(flow_request(*first)));
    first = read_answer([&] {
      const json page = base::parse_json_text(pages.back());
      return page.contains("next") ? std::optional{page.at("next").get<std::uint32_t>()} : std::nullopt;
    });
  }
  return pages;
}

std::string flows_json(std::span<const std::string> pages) {
  return base::to_json_text(flows_of(pages), 2) + "\n";
}

std::string flows_text(std::span<const std::string> pages) {
  return read_answer([&] {
    std::ostringstream text;
    for (const json& flow : flows_of(pages)) {
      const auto word = [&flow](const char* name) {
        return base::printable(flow.at(name).get<std::string>());
      };
      const bool inside = flow.at("begun") == "inside";
      text << word("protocol") << ' ' << with_port(flow.at("source"), flow.at("source_port"))
           << (inside ? " > " : " < ") << with_port(flow.at("destination"), flow.at("destination_port"));
      if (flow.at("source") != flow.at("outside_source")) text << " as " << word("outside_source");
      text << ", " << word("state");
      if (flow.at("rule") != 0) text << ", rule " << flow.at("rule");
      text << ", idle " << flow.at("idle_s") << " s\n";
    }
    return text.str();
  });
}

}  // namespace sixin4::control
