// Reads configurations and tables, line by line.
#pragma once

#include <functional>
#include <string>

namespace sixin4::config {

/// Calls `on_line` with the number and the text of each line, without a byte order mark and carriage returns
/// at line ends. Throws std::system_error where the file cannot be read, std::runtime_error where nothing
/// comes out of a pipe for five seconds, and ConfigurationError where it is no text or larger than 64 MiB.
void for_each_line(const std::string& path,
                   const std::function<void(int number, const std::string& line)>& on_line);

}  // namespace sixin4::config
