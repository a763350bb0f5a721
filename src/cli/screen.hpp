// The terminal while a live view is on it.
#pragma once

#include <cstddef>
#include <string_view>

#include <termios.h>

namespace sixin4::cli {

/// Draws in place, on a screen of its own where the terminal has one. Keys are not echoed and come at once.
/// What was there before comes back with the end.
class Screen {
 public:
  Screen();
  ~Screen();
  Screen(Screen&&) = delete;
  Screen& operator=(Screen&&) = delete;
  Screen(const Screen&) = delete;
  Screen& operator=(const Screen&) = delete;

  /// Where there is one.
  static void draw(std::string_view text);

  /// Gives the terminal back, and takes it again: for a program that is stopped and goes on.
  void leave();
  void enter();

  struct Size {
    std::size_t rows;
    std::size_t columns;
  };
  [[nodiscard]] static Size size();

 private:
  termios keyboard_{};
  bool has_keyboard_ = false;
};

}  // namespace sixin4::cli
