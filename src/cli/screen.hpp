// The terminal during a live view.
#pragma once

#include <cstddef>
#include <string_view>

#include <termios.h>

namespace sixin4::cli {

/// Draws in place, on the terminal's alternate screen if it has one. Keys are not echoed and are readable at
/// once. The destructor restores the previous screen and keyboard settings.
class Screen {
 public:
  Screen();
  ~Screen();
  Screen(Screen&&) = delete;
  Screen& operator=(Screen&&) = delete;
  Screen(const Screen&) = delete;
  Screen& operator=(const Screen&) = delete;

  /// Replaces the text on the screen. Throws std::system_error if the terminal cannot be written.
  static void draw(std::string_view text);

  /// `leave` restores the terminal, `enter` takes it again: for a program that is stopped and continued.
  void leave();
  void enter();

  struct Size {
    std::size_t rows;
    std::size_t columns;
  };
  /// 24 rows of 80 columns if the kernel does not know the size of the terminal.
  [[nodiscard]] static Size size();

 private:
  termios keyboard_{};
  bool has_keyboard_ = false;
};

}  // namespace sixin4::cli
