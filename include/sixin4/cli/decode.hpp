// `sixin4 decode`: takes the 6in4 packets of a capture file apart.
#pragma once

#include <string>
#include <vector>

namespace sixin4::cli {

/// Throws base::ConfigurationError, also if the input is not a capture, and std::system_error.
void run_decode(const std::vector<std::string>& arguments);

/// The options, for a help text.
[[nodiscard]] std::string describe_decode();

}  // namespace sixin4::cli
