#include "flow_text.hpp"

#include <cstdint>
#include <optional>
#include <sstream>

#include <nlohmann/json.hpp>

#include "sixin4/base/json_text.hpp"
#include "sixin4/base/printable.hpp"
#include "sixin4/control/flow_status.hpp"
#include "sixin4/control/read_answer.hpp"

namespace sixin4::cli {

namespace {

using json = nlohmann::ordered_json;

/// ADDRESS.PORT, as tcpdump(8) writes it.
std::string with_port(const json& address, const json& port) {
  std::string text = base::printable(address.get<std::string>());
  if (port.get<int>() != 0) text += "." + std::to_string(port.get<int>());
  return text;
}

json flows_of(std::span<const std::string> pages) {
  return control::read_answer([&] {
    json list = json::array();
    for (const std::string& page : pages) {
      const json parsed = base::parse_json_text(page);
      for (const json& flow : parsed.at("flows")) list.push_back(flow);
    }
    return list;
  });
}

}  // namespace

std::vector<std::string> ask_for_flows(const std::function<std::string(const std::string& request)>& ask) {
  std::vector<std::string> pages;
  for (std::optional<std::uint32_t> first = 0; first;) {
    pages.push_back(ask(control::flow_request(*first)));
    first = control::read_answer([&] {
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
  return control::read_answer([&] {
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

}  // namespace sixin4::cli
