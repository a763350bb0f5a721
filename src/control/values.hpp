// What values of several keys have in common.
#pragma once

#include <array>
#include <charconv>
#include <stdexcept>
#include <string>
#include <vector>

#include "sixin4/control/printable.hpp"
#include "sixin4/wire/address.hpp"

namespace sixin4::control {

/// What is wrong with a value; the caller adds place and key.
class ValueError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

template <typename Number>
Number parse_number(const std::string& text, Number least, Number most, int base = 10) {
  Number number{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number, base);
  if (error != std::errc{} || end != text.data() + text.size() || number < least || number > most) {
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

[[nodiscard]] std::vector<std::string> split_words(const std::string& text);

/// PREFIX/LENGTH without bits beyond the length. Throws ValueError.
[[nodiscard]] wire::Ipv6Prefix parse_prefix(const std::string& text);

/// Whether one host can have it: not multicast, unspecified or loopback.
[[nodiscard]] bool is_host(const wire::Ipv6Address& address);

}  // namespace sixin4::control
