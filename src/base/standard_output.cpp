// Errors of std::cout as exceptions.
#include "sixin4/base/standard_output.hpp"

#include <cerrno>
#include <iostream>
#include <system_error>

#include "sixin4/base/system_failure.hpp"

namespace sixin4::base {

namespace {

/// Throws std::system_error if the stream has failed. The reason is in errno only.
void check() {
  if (std::cout) return;
  throw base::system_failure("cannot write to standard output", errno == 0 ? EIO : errno);
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

}  // namespace sixin4::base
