// The endpoint that a command line names: NAME, or `--control PATH`.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "sixin4/base/options.hpp"

namespace sixin4::cli {

/// The option `--control PATH` of every verb that asks a running endpoint.
[[nodiscard]] const base::Option& control_option();

struct EndpointArgument {
  std::string name;  ///< NAME, or the path if there is no NAME
  std::string path;  ///< path of the control socket
};

/// Reads the only word as NAME, and the option `control`. The option decides the path. nullopt: both are
/// absent. Throws base::ConfigurationError if there are several words, or if the path is empty.
[[nodiscard]] std::optional<EndpointArgument> endpoint_argument(const base::Arguments& arguments);

/// The same for a verb that needs an endpoint: throws base::ConfigurationError if both are absent.
[[nodiscard]] EndpointArgument required_endpoint(const base::Arguments& arguments, std::string_view verb);

}  // namespace sixin4::cli
