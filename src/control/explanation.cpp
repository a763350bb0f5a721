#include "sixin4/control/explanation.hpp"

#include <sstream>

#include <nlohmann/json.hpp>

#include "sixin4/base/options.hpp"
#include "sixin4/base/printable.hpp"
#include "sixin4/base/json_text.hpp"
#include "sixin4/wire/address_text.hpp"

#include "read_answer.hpp"
#include "sixin4/config/values.hpp"

namespace sixin4::control {

namespace {

using json = nlohmann::ordered_json;

constexpr std::string_view request_prefix = "explain ";

std::string text_of(const json& object) {
  const auto word = [&object](const char* name) {
    return object.at(name).is_null() ? std::string{"none"}
                                     : base::printable(object.at(name).get<std::string>());
  };
  std::ostringstream lines;
  lines << word("destination") << " from " << word("source");
  if (!object.at("source_reason").is_null()) lines << " (" << word("source_reason") << ")";
  lines << "\n  route    " << word("route") << '\n';
  if (!object.at("enters_tunnel").get<bool>()) {
    lines << "  verdict  does not enter the tunnel\n";
    return lines.str();
  }
  lines << "  source   ";
  if (!object.at("pool").is_null()) {
    lines << "leaves as one of " << word("pool");
  } else if (object.at("leaves_as").is_null()) {
    lines << "does not leave";
  } else if (object.at("leaves_as") == object.at("source")) {
    lines << "is kept";
  } else {
    lines << "leaves as " << word("leaves_as");
  }
  if (object.at("rule") == 0) {
    lines << " (no rule matches)\n";
  } else {
    lines << " (rule " << object.at("rule") << ": " << word("rule_text") << ")\n";
  }
  lines << "  mtu      " << object.at("mtu") << "\n  verdict  " << word("verdict");
  if (!object.at("verdict_reason").is_null()) lines << " (" << word("verdict_reason") << ")";
  lines << '\n';
  return lines.str();
}

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

std::string explanation_json(const std::string& text) {
  return read_answer([&] { return base::to_json_text(base::parse_json_text(text), 2) + "\n"; });
}

std::string explanation_text(const std::string& text) {
  return read_answer([&] { return text_of(base::parse_json_text(text)); });
}

ExplainQuery parse_explain_query(const std::string& destination, const std::optional<std::string>& from,
                                 const std::optional<std::string>& protocol,
                                 const std::optional<std::string>& port) {
  const auto address = [](const std::string& text) {
    const auto parsed = wire::parse_ipv6_address(text);
    if (!parsed)
      throw base::ConfigurationError("command line: " + base::in_quotes(text) + " is not an IPv6 address");
    return *parsed;
  };
  ExplainQuery query{.destination = address(destination)};
  if (from) query.from = address(*from);
  try {
    if (protocol) query.protocol = config::parse_protocol(*protocol);
    if (port) query.port = base::parse_number<std::uint16_t>(*port, 0, 65535);
  } catch (const base::ValueError& error) {
    throw base::ConfigurationError(std::string{"command line: "} + error.what());
  }
  return query;
}

}  // namespace sixin4::control
