#include "sixin4/dissect/offline_options.hpp"

#include <optional>

#include <sys/stat.h>
#include <unistd.h>

namespace sixin4::dissect {

namespace {

using base::ConfigurationError;
using Status = struct stat;

std::optional<Status> status_of(const std::string& path, int standard_fd) {
  Status status{};
  const int result = path == "-" ? ::fstat(standard_fd, &status) : ::stat(path.c_str(), &status);
  return result == 0 ? std::optional{status} : std::nullopt;
}

/// Compares the inodes, so that links and files that the shell has opened are recognised. Only regular files
/// count, because a terminal or a pipe loses nothing.
bool are_same_file(const std::string& input, const std::string& output) {
  const auto in = status_of(input, STDIN_FILENO);
  const auto out = status_of(output, STDOUT_FILENO);
  return in && out && S_ISREG(in->st_mode) && in->st_dev == out->st_dev && in->st_ino == out->st_ino;
}

}  // namespace

bool OfflineOptions::take(const base::KeyValue& option) {
  const auto& [name, value] = option;
  if (name == "json") {
    json = true;
  } else if (name == "write") {
    if (value.empty()) throw ConfigurationError("command line: -w: give a file, or -");
    output = value;
  } else {
    return false;
  }
  return true;
}

void OfflineOptions::check() const {
  if (json && output == "-") {
    throw ConfigurationError("command line: --json and -w - both want standard output");
  }
  if (!output.empty() && are_same_file(input, output)) {
    const std::string name = output == "-" ? "standard output" : output;
    throw ConfigurationError("command line: -w: " + name + " is the capture that is read");
  }
}

bool OfflineOptions::prints_on_terminal() const {
  return (output.empty() || json) && ::isatty(STDOUT_FILENO) == 1;
}

}  // namespace sixin4::dissect
