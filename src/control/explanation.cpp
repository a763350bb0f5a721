#include "sixin4/control/explanation.hpp"

#include <nlohmann/json.hpp>

#include "sixin4/base/json_text.hpp"
#include "sixin4/wire/address_text.hpp"

namespace sixin4::control {

namespace {

using json = nlohmann::ordered_json;

constexpr std::string_view request_prefix = "explain ";

}  // namespace

std::string explain_request(const ExplainQuery& query) {
  json object{
      {"destination", to_string(query.destination)}, {"protocol", query.protocol}, {"port", query.port}};
  if (query.from) object["from"] = to_string(*query.from);
  return std::string{request_prefix} + base::to_json_text(object);
}

std::optional<ExplainQuery> explain_query_of(std::string_view request) {
  if (!request.starts_with(request_prefix)) return std::nullopt;
  try {
    const json object = base::parse_json_text(request.substr(request_prefix.size()));
    const auto destination = wire::parse_ipv6_address(object.at("destination").get<std::string>());
    if (!destination) return std::nullopt;
    ExplainQuery query{.destination = *destination,
                       .protocol = object.value("protocol", std::uint8_t{6}),
                       .port = object.value("port", std::uint16_t{0})};
    if (object.contains("from")) query.from = wire::parse_ipv6_address(object.at("from").get<std::string>());
    return query;
  } catch (const json::exception&) {
    return std::nullopt;
  }
}

std::string to_json(const Explanation& explanation) {
  const auto or_null = [](const std::string& text) { return text.empty() ? json(nullptr) : json(text); };
  json object{{"destination", explanation.destination},
              {"source", or_null(explanation.source)},
              {"source_reason", or_null(explanation.source_reason)},
              {"route", or_null(explanation.route)},
              {"enters_tunnel", explanation.enters_tunnel}};
  if (explanation.enters_tunnel) {
    object["rule"] = explanation.rule;
    object["rule_text"] = or_null(explanation.rule_text);
    object["leaves_as"] = or_null(explanation.leaves_as);
    object["pool"] = or_null(explanation.pool);
    object["mtu"] = explanation.mtu;
    object["verdict"] = explanation.verdict;
    object["verdict_reason"] = or_null(explanation.verdict_reason);
  }
  return base::to_json_text(object);
}

}  // namespace sixin4::control
