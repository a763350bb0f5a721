#include "text_file.hpp"

#include <array>
#include <cerrno>
#include <chrono>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include "sixin4/base/file_descriptor.hpp"
#include "sixin4/base/options.hpp"
#include "sixin4/base/system_failure.hpp"

namespace sixin4::config {

namespace {

constexpr std::size_t most_bytes = std::size_t{64} << 20U;
constexpr std::chrono::seconds patience{5};
constexpr std::string_view byte_order_mark = "\xef\xbb\xbf";

[[noreturn]] void fail(const std::string& path, int error) {
  throw base::system_failure("cannot read " + path, error);
}

/// Reads available bytes into the buffer, and waits if there are none. Returns 0 at the end of the file.
std::size_t read_some(const base::FileDescriptor& file, std::array<char, 65536>& buffer,
                      const std::string& path) {
  for (;;) {
    pollfd polled{.fd = file.get(), .events = POLLIN, .revents = 0};
    const int ready = ::poll(&polled, 1, static_cast<int>(std::chrono::milliseconds{patience}.count()));
    if (ready < 0 && errno != EINTR) fail(path, errno);
    if (ready == 0) {
      throw std::runtime_error("cannot read " + path + ": no data for " + std::to_string(patience.count()) +
                               " s");
    }
    const ssize_t length = ::read(file.get(), buffer.data(), buffer.size());
    if (length >= 0) return static_cast<std::size_t>(length);
    if (errno != EAGAIN && errno != EINTR) fail(path, errno);
  }
}

}  // namespace

void for_each_line(const std::string& path,
                   const std::function<void(int number, const std::string& line)>& on_line) {
  // O_NONBLOCK, because open(2) would wait for a writer of a FIFO. poll(2) waits instead, with a limit.
  const base::FileDescriptor file{::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC)};
  if (!file) fail(path, errno);
  std::array<char, 65536> buffer{};
  std::string line;
  int number = 1;
  const auto end_line = [&] {
    if (number == 1 && line.starts_with(byte_order_mark)) line.erase(0, byte_order_mark.size());
    if (line.ends_with('\r')) line.pop_back();
    on_line(number++, line);
    line.clear();
  };
  std::size_t total = 0;
  while (const std::size_t length = read_some(file, buffer, path)) {
    total += length;
    if (total > most_bytes) throw base::ConfigurationError(path + ": is larger than 64 MiB");
    std::string_view rest{buffer.data(), length};
    if (rest.find('\0') != std::string_view::npos) {
      throw base::ConfigurationError(path + ": is not a text file: it has NUL bytes");
    }
    for (std::size_t end = 0; (end = rest.find('\n')) != std::string_view::npos;
         rest.remove_prefix(end + 1)) {
      line += rest.substr(0, end);
      end_line();
    }
    line += rest;
  }
  if (!line.empty()) end_line();
}

}  // namespace sixin4::config
