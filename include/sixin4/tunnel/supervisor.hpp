// The verb `run`: one endpoint in the foreground, from its set-up to its end.
#pragma once

#include <string>
#include <vector>

namespace sixin4::tunnel {

/// `arguments` are those behind the verb; a reload reads them, and the file that they name, again. Returns
/// when the endpoint has been told to stop, with everything taken away. Throws ConfigurationError and
/// std::system_error where it cannot start or cannot go on.
void run_endpoint(const std::vector<std::string>& arguments);

}  // namespace sixin4::tunnel
