#include "sixin4/cli/show.hpp"

#include <array>
#include <iostream>
#include <stdexcept>

#include "sixin4/base/options.hpp"
#include "sixin4/cli/endpoint_argument.hpp"
#include "sixin4/control/control_socket.hpp"

#include "flow_text.hpp"
#include "status_text.hpp"
#include "watch.hpp"

namespace sixin4::cli {

namespace {

using base::Arguments;
using base::ConfigurationError;
using base::Option;

const std::array show_options{
    Option{.name = "json", .value = "", .meaning = "print a list of JSON objects"},
    Option{.name = "flows",
           .value = "",
           .meaning = "list the flows that the source rules of one endpoint track"},
    Option{.name = "watch", .value = "", .meaning = "repeat, and show rates and new drops"},
    Option{.name = "interval", .value = "SECONDS", .meaning = "period of --watch, 0.1 to 3600; 1 by default"},
    control_option()};

void show_flows(const Arguments& arguments) {
  const std::string path = required_endpoint(arguments, "show --flows").path;
  const auto pages =
      ask_for_flows([&path](const std::string& request) { return control::ask(path, request); });
  std::cout << (arguments.has("json") ? flows_json(pages) : flows_text(pages));
}

void show_statuses(const Arguments& arguments) {
  std::vector<std::string> statuses;
  std::string silent;
  if (const auto endpoint = endpoint_argument(arguments)) {
    statuses.push_back(control::ask(endpoint->path, "show"));
  } else {
    for (const std::string& path : control::control_paths()) {
      try {
        statuses.push_back(control::ask(path, "show"));
      } catch (const control::NoSuchEndpoint&) {
        continue;  // the socket of an endpoint that was killed
      } catch (const std::exception& error) {
        silent += (silent.empty() ? "" : "; ") + std::string{error.what()};
      }
    }
  }
  std::cout << (arguments.has("json") ? show_json(statuses) : show_text(statuses));
  if (!silent.empty()) throw std::runtime_error(silent);
}

}  // namespace

void run_show(const std::vector<std::string>& arguments) {
  const Arguments parsed = base::parse_arguments(show_options, arguments);
  if (parsed.has("watch")) return run_watch(watch_plan_of(parsed));
  if (parsed.has("interval")) throw ConfigurationError("command line: --interval: needs --watch");
  if (parsed.has("flows")) return show_flows(parsed);
  show_statuses(parsed);
}

std::string describe_show() {
  return base::describe(show_options);
}

}  // namespace sixin4::cli
