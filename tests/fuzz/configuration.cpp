// Fuzzes configurations, as a file and as arguments: loading throws a ConfigurationError, or the printed form
// loads as the same configuration.
#include "sixin4/config/configuration.hpp"

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <sstream>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include <sys/mman.h>
#include <unistd.h>

#include "sixin4/base/options.hpp"

namespace {

using namespace sixin4;

/// A file in memory (memfd_create) with a path.
class MemoryFile {
 public:
  explicit MemoryFile(std::string_view text) : fd_(::memfd_create("configuration", MFD_CLOEXEC)) {
    if (fd_ < 0) throw_errno();
    while (!text.empty()) {
      const auto written = ::write(fd_, text.data(), text.size());
      if (written < 0) throw_errno();
      text.remove_prefix(static_cast<std::size_t>(written));
    }
  }
  ~MemoryFile() { ::close(fd_); }
  MemoryFile(const MemoryFile&) = delete;
  MemoryFile& operator=(const MemoryFile&) = delete;

  [[nodiscard]] std::string path() const { return "/proc/self/fd/" + std::to_string(fd_); }

 private:
  [[noreturn]] static void throw_errno() {
    std::cerr << "cannot create a file in memory: " << std::generic_category().message(errno) << std::endl;
    std::abort();
  }

  int fd_;
};

sixin4::config::Configuration load(const std::string& text) {
  const MemoryFile file{text};
  const std::array<std::string, 2> arguments{"-c", file.path()};
  return sixin4::config::load_configuration(arguments);
}

/// Loads the keys of a file as arguments `--key=value`, one for each line.
config::Configuration load_as_arguments(const std::string& text) {
  std::vector<std::string> arguments;
  std::istringstream lines{text};
  for (std::string line; std::getline(lines, line);) {
    const auto equals = line.find(" = ");
    const std::string key = line.substr(0, equals);
    if (equals == std::string::npos || key == "config") continue;  // the input must not open other files
    arguments.push_back("--" + key + "=" + line.substr(equals + 3));
  }
  return sixin4::config::load_configuration(arguments);
}

/// The printed form of a valid configuration must be a valid file with the same meaning.
void check(config::Configuration (*load_input)(const std::string&), const std::string& input) {
  std::string printed;
  try {
    printed = sixin4::config::to_text(load_input(input));
  } catch (const base::ConfigurationError&) {
    return;
  } catch (const std::system_error&) {
    return;
  }
  std::string again;
  try {
    again = sixin4::config::to_text(load(printed));
  } catch (const base::ConfigurationError& error) {
    again = std::string{"invalid: "} + error.what();
  }
  if (again == printed) return;
  std::cerr << "printed:\n" << printed << "read back and printed again:\n" << again << std::endl;
  std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string input(data, data + size);
  check(load, input);
  check(load_as_arguments, input);
  return 0;
}
