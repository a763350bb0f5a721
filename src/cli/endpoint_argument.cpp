#include "sixin4/cli/endpoint_argument.hpp"

#include "sixin4/control/control_socket.hpp"

namespace sixin4::cli {

using base::ConfigurationError;

const base::Option& control_option() {
  static const base::Option option{.name = "control",
                                   .value = "PATH",
                                   .meaning = "path of the control socket; by default /run/sixin4/NAME.sock"};
  return option;
}

std::optional<EndpointArgument> endpoint_argument(const base::Arguments& arguments) {
  if (arguments.words.size() > 1) throw ConfigurationError("command line: give one NAME");
  const auto path = arguments.value_of(control_option().name);
  if (path && path->empty()) throw ConfigurationError("command line: --control: the path is empty");
  if (arguments.words.empty()) {
    return path ? std::optional{EndpointArgument{.name = *path, .path = *path}} : std::nullopt;
  }
  const std::string& name = arguments.words.front();
  return EndpointArgument{.name = name, .path = path ? *path : control::control_path(name)};
}

EndpointArgument required_endpoint(const base::Arguments& arguments, std::string_view verb) {
  if (auto endpoint = endpoint_argument(arguments)) return *endpoint;
  throw ConfigurationError("command line: " + std::string{verb} +
                           " needs the NAME of a running endpoint, or --control PATH");
}

}  // namespace sixin4::cli
