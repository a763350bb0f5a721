#include "explanation_text.hpp"

#include <cstdint>
#include <sstream>

#include <nlohmann/json.hpp>

#include "sixin4/base/json_text.hpp"
#include "sixin4/base/number.hpp"
#include "sixin4/base/printable.hpp"
#include "sixin4/config/values.hpp"
#include "sixin4/control/read_answer.hpp"
#include "sixin4/wire/address_text.hpp"

namespace sixin4::cli {

namespace {

using json = nlohmann::ordered_json;

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

wire::Ipv6Address parse_address(const std::string& text) {
  if (const auto address = wire::parse_ipv6_address(text)) return *address;
  throw base::ConfigurationError("command line: " + base::in_quotes(text) + " is not an IPv6 address");
}

}  // namespace

control::ExplainQuery parse_explain_query(const std::string& destination, const base::Arguments& arguments) {
  control::ExplainQuery query{.destination = parse_address(destination)};
  if (const auto from = arguments.value_of("from")) query.from = parse_address(*from);
  try {
    if (const auto protocol = arguments.value_of("proto")) query.protocol = config::parse_protocol(*protocol);
    if (const auto port = arguments.value_of("port")) {
      query.port = base::parse_number<std::uint16_t>(*port, 0, 65535);
    }
  } catch (const base::ValueError& error) {
    throw base::ConfigurationError(std::string{"command line: "} + error.what());
  }
  return query;
}

std::string explanation_json(const std::string& answer) {
  return control::read_answer([&] { return base::to_json_text(base::parse_json_text(answer), 2) + "\n"; });
}

std::string explanation_text(const std::string& answer) {
  return control::read_answer([&] { return text_of(base::parse_json_text(answer)); });
}

}  // namespace sixin4::cli
