// A progress bar on standard error, for files that take their time.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

namespace sixin4::base {

/// Takes its line away when it goes.
class Progress {
 public:
  /// `size` is of the file; nothing where it is not known, and then nothing is drawn. Neither is it where
  /// standard error is no terminal.
  explicit Progress(std::optional<std::uint64_t> size);
  ~Progress();
  Progress(Progress&&) = delete;
  Progress& operator=(Progress&&) = delete;
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  /// Call often: it looks at the clock now and then only.
  template <typename Position>
  void step(Position&& position) {
    if (size_ && ++steps_ % steps_between_looks == 0) look(position());
  }

 private:
  static constexpr std::uint64_t steps_between_looks = 1024;
  void look(std::uint64_t position);

  std::optional<std::uint64_t> size_;
  std::uint64_t steps_ = 0;
  std::chrono::steady_clock::time_point next_;
  bool drawn_ = false;
};

}  // namespace sixin4::base
