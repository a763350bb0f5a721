// Log lines on standard error: one event a line, bounded in rate for each kind of event.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>

namespace sixin4::base {

enum class LogLevel : std::uint8_t { error, warn, info, debug };

/// For one thread.
class Log {
 public:
  explicit Log(LogLevel level) noexcept : level_(level) {}
  void set_level(LogLevel level) noexcept { level_ = level; }

  /// `kind` groups events for the rate limit and is not printed. What the limit held back is counted in the
  /// next line of that kind.
  void write(LogLevel level, std::string_view kind, std::string_view text);
  /// What somebody has asked for: at every level.
  static void answer(std::string_view text);

 private:
  using Clock = std::chrono::steady_clock;
  struct Rate {
    Clock::time_point window_start;
    unsigned in_window = 0;
    std::uint64_t held_back = 0;
  };

  LogLevel level_;
  std::map<std::string, Rate, std::less<>> rates_;
};

}  // namespace sixin4::base
