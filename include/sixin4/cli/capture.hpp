// The verbs `capture` and `recorder`: packets of a running endpoint, live or from its flight recorder, as
// pcapng or as one line for each packet.
#pragma once

#include <string>
#include <vector>

namespace sixin4::cli {

/// Returns when the count is reached, the endpoint ends, a signal arrives, or the reader of the output is
/// gone. Throws base::ConfigurationError, control::NoSuchEndpoint or std::system_error.
void run_capture(const std::vector<std::string>& arguments);
/// Writes the packets that the flight recorder has now. Throws the same.
void run_recorder(const std::vector<std::string>& arguments);

[[nodiscard]] std::string describe_capture();
[[nodiscard]] std::string describe_recorder();

}  // namespace sixin4::cli
