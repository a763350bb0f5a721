#include "screen.hpp"

#include <cerrno>
#include <iostream>
#include <string>
#include <system_error>

#include <sys/ioctl.h>
#include <unistd.h>

#include "sixin4/base/system_failure.hpp"

namespace sixin4::cli {

namespace {

// Sequences of ECMA-48 and xterm. A terminal ignores a mode that it does not know.
constexpr std::string_view alternate_screen = "\x1b[?1049h\x1b[?25l";  // without a cursor
constexpr std::string_view normal_screen = "\x1b[?25h\x1b[?1049l";
constexpr std::string_view home = "\x1b[H";
constexpr std::string_view clear_to_end_of_line = "\x1b[K";
constexpr std::string_view clear_to_end_of_screen = "\x1b[J";

}  // namespace

Screen::Screen() : has_keyboard_(::tcgetattr(STDIN_FILENO, &keyboard_) == 0) {
  enter();
}

Screen::~Screen() {
  leave();
}

void Screen::enter() {
  if (has_keyboard_) {
    termios silent = keyboard_;
    silent.c_lflag &= ~static_cast<tcflag_t>(ICANON | ECHO);
    silent.c_lflag |= NOFLSH;  // Ctrl-C must not discard the rest of a sequence
    (void)::tcsetattr(STDIN_FILENO, TCSANOW, &silent);
  }
  std::cout << alternate_screen << std::flush;
}

void Screen::leave() {
  std::cout.clear();
  std::cout << normal_screen << std::flush;
  if (has_keyboard_) (void)::tcsetattr(STDIN_FILENO, TCSANOW, &keyboard_);
}

/// Overwrites the text without clearing the screen first, because clearing would flicker.
void Screen::draw(std::string_view text) {
  std::string drawn{home};
  for (std::size_t start = 0; start < text.size();) {
    const std::size_t end = text.find('\n', start);
    drawn.append(text.substr(start, end - start)).append(clear_to_end_of_line);
    start = end == std::string_view::npos ? text.size() : end + 1;
    // Not after the last line, because in the last row it would scroll.
    if (start < text.size()) drawn += "\r\n";
  }
  drawn += clear_to_end_of_screen;
  if (!(std::cout << drawn << std::flush)) {
    throw base::system_failure("cannot write to the terminal", EIO);
  }
}

Screen::Size Screen::size() {
  constexpr Size usual{.rows = 24, .columns = 80};
  winsize terminal{};
  if (::ioctl(STDOUT_FILENO, TIOCGWINSZ, &terminal) != 0) return usual;
  return {.rows = terminal.ws_row == 0 ? usual.rows : terminal.ws_row,
          .columns = terminal.ws_col == 0 ? usual.columns : terminal.ws_col};
}

}  // namespace sixin4::cli
