// `sixin4 replay`: runs the packets of a capture through the engine with the parameters of a configuration.
#pragma once

#include <string>
#include <vector>

namespace sixin4::replay {

/// Throws base::ConfigurationError for a mistake in the arguments, the configuration or the capture file, and
/// std::system_error.
void run_replay(const std::vector<std::string>& arguments);

/// The options, for the help text.
[[nodiscard]] std::string describe_replay();

}  // namespace sixin4::replay
