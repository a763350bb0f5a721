// Levels and rate limit of the log.
#include "sixin4/base/log.hpp"

#include <iostream>

#include "sixin4/base/printable.hpp"

namespace sixin4::base {

namespace {

constexpr std::chrono::seconds window{10};
constexpr unsigned lines_per_window = 10;

constexpr std::string_view prefix_of(LogLevel level) noexcept {
  switch (level) {
    case LogLevel::error:
      return "error: ";
    case LogLevel::warn:
      return "warning: ";
    case LogLevel::info:
      return "";
    case LogLevel::debug:
      return "debug: ";
  }
  return "";
}

}  // namespace

void Log::write(LogLevel level, std::string_view kind, std::string_view text) {
  if (level > level_) return;
  const auto now = Clock::now();
  auto& rate = rates_.try_emplace(std::string{kind}, Rate{.window_start = now}).first->second;
  if (now - rate.window_start >= window) {
    rate.window_start = now;
    rate.in_window = 0;
  }
  if (++rate.in_window > lines_per_window) {
    ++rate.suppressed;
    return;
  }
  std::string line{prefix_of(level)};
  line += text;
  if (rate.suppressed != 0)
    line += " (" + std::to_string(rate.suppressed) + " similar lines were suppressed)";
  rate.suppressed = 0;
  answer(line);
}

// One write for the whole line, so that lines of several processes do not mix.
void Log::answer(std::string_view text) {
  std::cerr << (message_line(text) + '\n') << std::flush;
}

}  // namespace sixin4::base
