// Round-trip time and loss of the last echo requests to the far end.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <optional>

namespace sixin4::tunnel {

/// The last 32 echo requests that were answered or lost, and the one under way. A request counts as lost when
/// the next one is sent. A late answer still counts. For one thread.
class EchoRecord {
 public:
  using Clock = std::chrono::steady_clock;

  /// Records a request that is sent at `now`, and returns its sequence number.
  [[nodiscard]] std::uint16_t next(Clock::time_point now);
  /// Records an answer. A duplicate and an unknown number change nothing.
  void answered(std::uint16_t sequence, Clock::time_point now);

  /// Round-trip time of the last answer; nullopt: no answer yet.
  [[nodiscard]] std::optional<Clock::duration> round_trip() const noexcept { return round_trip_; }
  /// The lost fraction, 0 to 1; nullopt: no request was answered or lost yet.
  [[nodiscard]] std::optional<double> loss() const noexcept;
  /// Lost requests since the last one that was answered.
  [[nodiscard]] std::size_t lost_in_a_row() const noexcept;

 private:
  static constexpr std::size_t kept = 32;

  struct Echo {
    std::uint16_t sequence = 0;
    Clock::time_point sent;
    bool answered = false;
  };

  [[nodiscard]] std::size_t decided() const noexcept;

  std::deque<Echo> echoes_;  ///< the last one may still be under way
  std::uint16_t sequence_ = 0;
  std::optional<Clock::duration> round_trip_;
};

}  // namespace sixin4::tunnel
