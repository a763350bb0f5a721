#include "sixin4/cli/explain.hpp"

#include <array>
#include <iostream>

#include "sixin4/base/options.hpp"
#include "sixin4/cli/endpoint_argument.hpp"
#include "sixin4/control/control_socket.hpp"

#include "explanation_text.hpp"

namespace sixin4::cli {

namespace {

using base::Option;

const std::array explain_options{
    Option{.name = "from", .value = "ADDRESS", .meaning = "source address; by default the host chooses it"},
    Option{.name = "proto", .value = "PROTOCOL", .meaning = "tcp (the default), udp, icmpv6 or a number"},
    Option{.name = "port", .value = "NUMBER", .meaning = "destination port"},
    Option{.name = "json", .value = "", .meaning = "print a JSON object"}, control_option()};

}  // namespace

void run_explain(const std::vector<std::string>& arguments) {
  base::Arguments parsed = base::parse_arguments(explain_options, arguments);
  if (parsed.words.empty()) {
    throw base::ConfigurationError("command line: explain needs a DESTINATION");
  }
  const std::string destination = parsed.words.back();
  parsed.words.pop_back();
  const control::ExplainQuery query = parse_explain_query(destination, parsed);
  const std::string answer =
      control::ask(required_endpoint(parsed, "explain").path, control::explain_request(query));
  std::cout << (parsed.has("json") ? explanation_json(answer) : explanation_text(answer));
}

std::string describe_explain() {
  return base::describe(explain_options);
}

}  // namespace sixin4::cli
