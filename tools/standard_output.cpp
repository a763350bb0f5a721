#include "standard_output.hpp"

#include <cerrno>
#include <iostream>
#include <system_error>

namespace sixin4 {

namespace {

/// The stream only knows that something failed; the last call of the system knows what.
void check() {
  if (std::cout) return;
  throw std::system_error(errno == 0 ? EIO : errno, std::generic_category(),
                          "cannot write to standard output");
}

}  // namespace

void print(std::string_view text) {
  errno = 0;
  std::cout << text;
  check();
}

void flush_printed() {
  errno = 0;
  std::cout.flush();
  check();
}

}  // namespace sixin4
