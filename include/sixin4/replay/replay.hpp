// `sixin4 replay`: runs a capture through the packet engine, as the endpoint that a configuration describes.
#pragma once

#include <string>
#include <vector>

namespace sixin4::replay {

/// Throws base::ConfigurationError, also for what is no capture, and std::system_error.
void run_replay(const std::vector<std::string>& arguments);

/// The options, for a help text.
[[nodiscard]] std::string describe_replay();

}  // namespace sixin4::replay
