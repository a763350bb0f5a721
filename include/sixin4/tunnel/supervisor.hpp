// The verb `run`: one endpoint in the foreground, from its start to its end.
#pragma once

#include <string>
#include <vector>

namespace sixin4::tunnel {

/// `arguments` are the arguments after the verb. A reload reads them, and the file that they name, again.
/// Returns after a request to stop, when the host is as it was before. Throws base::ConfigurationError for a
/// mistake in the configuration, and std::runtime_error if the endpoint cannot start or cannot go on.
void run_endpoint(const std::vector<std::string>& arguments);

}  // namespace sixin4::tunnel
