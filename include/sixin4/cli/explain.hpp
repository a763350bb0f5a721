// The verb `explain`: asks a running endpoint for the fate of a packet, without sending one.
#pragma once

#include <string>
#include <vector>

namespace sixin4::cli {

/// Prints on standard output. Throws base::ConfigurationError, control::NoSuchEndpoint or
/// control::EndpointRefusal.
void run_explain(const std::vector<std::string>& arguments);

/// The options, for a help text.
[[nodiscard]] std::string describe_explain();

}  // namespace sixin4::cli
