// A progress bar on standard error for large files.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

namespace sixin4::base {

/// The destructor clears the line of the bar.
class Progress {
 public:
  /// `size` is the size of the file in bytes. Nothing is drawn if it is unknown or 0, or if standard error is
  /// not a terminal.
  explicit Progress(std::optional<std::uint64_t> size);
  ~Progress();
  Progress(Progress&&) = delete;
  Progress& operator=(Progress&&) = delete;
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  /// Call it for each step of the work. It reads the clock once in 1024 calls, and only then calls
  /// `position`, which returns the number of bytes done.
  template <typename Position>
  void step(Position&& position) {
    if (size_ && ++steps_ % steps_per_update == 0) update(position());
  }

 private:
  static constexpr std::uint64_t steps_per_update = 1024;
  void update(std::uint64_t position);

  std::optional<std::uint64_t> size_;
  std::uint64_t steps_ = 0;
  std::chrono::steady_clock::time_point next_;
  bool drawn_ = false;
};

}  // namespace sixin4::base
