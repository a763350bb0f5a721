#include "echo_record.hpp"

#include <algorithm>

namespace sixin4::tunnel {

std::uint16_t EchoRecord::next(Clock::time_point now) {
  echoes_.push_back({.sequence = ++sequence_, .sent = now});
  if (echoes_.size() > kept + 1) echoes_.pop_front();
  return sequence_;
}

void EchoRecord::answered(std::uint16_t sequence, Clock::time_point now) {
  const auto echo = std::ranges::find(echoes_, sequence, &Echo::sequence);
  if (echo == echoes_.end() || echo->answered) return;
  echo->answered = true;
  round_trip_ = now - echo->sent;
}

/// The number of requests, from the oldest on, that were answered or lost.
std::size_t EchoRecord::decided() const noexcept {
  const bool waiting = !echoes_.empty() && !echoes_.back().answered;
  return echoes_.size() - (waiting ? 1 : 0);
}

std::optional<double> EchoRecord::loss() const noexcept {
  const std::size_t total = decided();
  if (total == 0) return std::nullopt;
  const auto end = echoes_.begin() + static_cast<std::ptrdiff_t>(total);
  const auto lost = std::count_if(echoes_.begin(), end, [](const Echo& echo) { return !echo.answered; });
  return static_cast<double>(lost) / static_cast<double>(total);
}

std::size_t EchoRecord::lost_in_a_row() const noexcept {
  const auto end = echoes_.begin() + static_cast<std::ptrdiff_t>(decided());
  const auto last_answered = std::find_if(std::reverse_iterator{end}, echoes_.rend(),
                                          [](const Echo& echo) { return echo.answered; });
  return static_cast<std::size_t>(std::distance(std::reverse_iterator{end}, last_answered));
}

}  // namespace sixin4::tunnel
