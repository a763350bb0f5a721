// Drawing of the progress bar.
#include "sixin4/base/progress.hpp"

#include <algorithm>
#include <iostream>
#include <string>

#include <unistd.h>

namespace sixin4::base {

namespace {

constexpr std::chrono::milliseconds first_draw{300};  // shorter work needs no bar
constexpr std::chrono::milliseconds redraw_interval{100};
constexpr std::size_t bar_width = 50;
constexpr const char* clear_line = "\r\x1b[K";

}  // namespace

Progress::Progress(std::optional<std::uint64_t> size)
    : size_(size), next_(std::chrono::steady_clock::now() + first_draw) {
  if (::isatty(STDERR_FILENO) != 1 || size_ == 0U) size_.reset();
}

Progress::~Progress() {
  if (drawn_) std::cerr << clear_line << std::flush;
}

void Progress::update(std::uint64_t position) {
  const auto now = std::chrono::steady_clock::now();
  if (now < next_) return;
  next_ = now + redraw_interval;
  drawn_ = true;
  const std::uint64_t done = std::min(position, *size_);
  const std::size_t filled = bar_width * done / *size_;
  constexpr std::uint64_t percent = 100;
  constexpr std::uint64_t megabyte = 1'000'000;
  std::cerr << clear_line << '[' << std::string(filled, '#') << std::string(bar_width - filled, '.') << "] "
            << percent * done / *size_ << " % of " << (*size_ + megabyte - 1) / megabyte << " MB"
            << std::flush;
}

}  // namespace sixin4::base
