// What the last echoes tell of the way to the far end.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <optional>

namespace sixin4::tunnel {

/// Echoes by sequence number. An echo counts as lost once the next one leaves, until it comes back after all.
class EchoRecord {
 public:
  using Clock = std::chrono::steady_clock;

  /// The number of the echo that leaves now.
  [[nodiscard]] std::uint16_t next(Clock::time_point now);
  /// One came back; one that nobody waits for changes nothing.
  void answered(std::uint16_t sequence, Clock::time_point now);

  /// Of the last echo that came back.
  [[nodiscard]] std::optional<Clock::duration> round_trip() const noexcept { return round_trip_; }
  /// The lost part of the last echoes, 0 to 1; nothing before the first has come back or is lost.
  [[nodiscard]] std::optional<double> loss() const noexcept;
  /// How many were lost since the last that came back.
  [[nodiscard]] std::size_t lost_in_a_row() const noexcept;

 private:
  static constexpr std::size_t kept = 32;

  struct Echo {
    std::uint16_t sequence = 0;
    Clock::time_point sent;
    bool answered = false;
  };

  [[nodiscard]] std::size_t decided() const noexcept;

  std::deque<Echo> echoes_;  ///< the last one may still be on its way
  std::uint16_t sequence_ = 0;
  std::optional<Clock::duration> round_trip_;
};

}  // namespace sixin4::tunnel
