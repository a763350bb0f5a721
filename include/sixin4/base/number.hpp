// Numbers as users write them.
#pragma once

#include <array>
#include <charconv>
#include <stdexcept>
#include <string>
#include <string_view>

#include "sixin4/base/printable.hpp"

namespace sixin4::base {

/// A mistake in a value. The caller adds the place and the key.
class ValueError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// The whole text as a number from `least` to `most`. Throws ValueError with both limits.
template <typename Number>
[[nodiscard]] Number parse_number(std::string_view text, Number least, Number most, int base = 10) {
  Number number{};
  const char* const end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data(), end, number, base);
  if (parsed.ec != std::errc{} || parsed.ptr != end || number < least || number > most) {
    const auto in_base = [base](Number n) {
      std::array<char, 24> buffer{};
      return std::string{buffer.data(),
                         std::to_chars(buffer.data(), buffer.data() + buffer.size(), n, base).ptr};
    };
    throw ValueError(in_quotes(text) + " is not a number from " + in_base(least) + " to " + in_base(most) +
                     (base == 16 ? ", hexadecimal" : ""));
  }
  return number;
}

}  // namespace sixin4::base
