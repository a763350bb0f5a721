// The endpoint that a command line names: NAME, or `--control PATH`.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "sixin4/base/options.hpp"

namespace sixin4::cli {

/// `--control PATH`, for the options of every verb that asks a running endpoint.
[[nodiscard]] const base::Option& control_option();

struct EndpointArgument {
  std::string name;  ///< as it was typed: the interface, or the path where that alone is there
  std::string path;  ///< of the control socket
};

/// From the one word and the option `control`, which decides the path. nullopt: neither is there. Throws
/// base::ConfigurationError where there are more words, or the path is empty.
[[nodiscard]] std::optional<EndpointArgument> endpoint_argument(const base::Arguments& arguments);

/// The same for a verb that needs one: throws base::ConfigurationError where there is none.
[[nodiscard]] EndpointArgument required_endpoint(const base::Arguments& arguments, std::string_view verb);

}  // namespace sixin4::cli
