// Log lines on standard error: one event per line, with a rate limit for each kind of event.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>

namespace sixin4::base {

enum class LogLevel : std::uint8_t { error, warn, info, debug };

/// Not thread-safe, except `answer`.
class Log {
 public:
  explicit Log(LogLevel level) noexcept : level_(level) {}
  void set_level(LogLevel level) noexcept { level_ = level; }

  /// Prints `text`, made printable, if `level` is at most the level of the log. `kind` groups events for the
  /// rate limit of 10 lines in 10 seconds and is not printed. The next line of that kind has the number of
  /// suppressed lines.
  void write(LogLevel level, std::string_view kind, std::string_view text);
  /// Prints a line that a user has asked for: at every level and without a rate limit.
  static void answer(std::string_view text);

 private:
  using Clock = std::chrono::steady_clock;
  struct Rate {
    Clock::time_point window_start;
    unsigned in_window = 0;
    std::uint64_t suppressed = 0;
  };

  LogLevel level_;
  std::map<std::string, Rate, std::less<>> rates_;
};

}  // namespace sixin4::base
