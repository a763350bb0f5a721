// Reads text files, configurations and tables, line by line.
#pragma once

#include <functional>
#include <string>

namespace sixin4::config {

/// Calls `on_line` with the number (from 1) and the text of each line. A byte order mark at the beginning of
/// the file and carriage returns at line ends are removed. Throws std::system_error if the file cannot be
/// read, std::runtime_error if a pipe delivers no data for five seconds, and ConfigurationError if the file
/// is not a text or is larger than 64 MiB.
void for_each_line(const std::string& path,
                   const std::function<void(int number, const std::string& line)>& on_line);

}  // namespace sixin4::config
