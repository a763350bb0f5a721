// The verb `show`: state, counters and flows of running endpoints, once or live.
#pragma once

#include <string>
#include <vector>

namespace sixin4::cli {

/// Prints on standard output. Throws base::ConfigurationError, control::NoSuchEndpoint, or std::runtime_error
/// if an endpoint does not answer; the answers of the others are printed first.
void run_show(const std::vector<std::string>& arguments);

/// The options, for a help text.
[[nodiscard]] std::string describe_show();

}  // namespace sixin4::cli
