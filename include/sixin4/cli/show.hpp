// The verb `show`: state, counters and flows of running endpoints, once or live.
#pragma once

#include <string>
#include <vector>

namespace sixin4::cli {

/// Prints on standard output. Throws base::ConfigurationError, control::NoSuchEndpoint, or std::runtime_error
/// where an endpoint does not answer: the others are printed before.
void run_show(const std::vector<std::string>& arguments);

/// The options, for a help text.
[[nodiscard]] std::string describe_show();

}  // namespace sixin4::cli
