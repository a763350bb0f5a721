// Numbers in the text that a user writes.
#pragma once

#include <array>
#include <charconv>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>

#include "sixin4/base/options.hpp"
#include "sixin4/base/printable.hpp"

namespace sixin4::base {

/// A value is invalid. The message names the value; the caller adds the place and the key.
class ValueError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// Reads all of `text` as a number from `least` to `most`. Returns nothing if it is not such a number. `base`
/// applies to integers only.
template <typename Number>
[[nodiscard]] std::optional<Number> number_in(std::string_view text, Number least, Number most,
                                              int base = 10) {
  Number number{};
  const char* const end = text.data() + text.size();
  std::from_chars_result parsed{};
  if constexpr (std::is_floating_point_v<Number>) {
    parsed = std::from_chars(text.data(), end, number);
  } else {
    parsed = std::from_chars(text.data(), end, number, base);
  }
  // NaN fails both comparisons.
  const bool in_range = number >= least && number <= most;
  if (parsed.ec != std::errc{} || parsed.ptr != end || !in_range) return std::nullopt;
  return number;
}

/// Like `number_in`, but throws ValueError, with both limits in the message.
template <typename Number>
[[nodiscard]] Number parse_number(std::string_view text, Number least, Number most, int base = 10) {
  if (const auto number = number_in(text, least, most, base)) return *number;
  const auto limit_text = [&](Number limit) {
    std::array<char, 32> buffer{};
    std::to_chars_result end{};
    if constexpr (std::is_floating_point_v<Number>) {
      end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), limit);
    } else {
      end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), limit, base);
    }
    return std::string{buffer.data(), end.ptr};
  };
  throw ValueError(in_quotes(text) + " is not a number from " + limit_text(least) + " to " +
                   limit_text(most) + (base == 16 ? ", hexadecimal" : ""));
}

/// Like `parse_number` for the value of a command line option. Throws ConfigurationError with the name of the
/// option.
template <typename Number>
[[nodiscard]] Number parse_number_option(const std::string& option, std::string_view text, Number least,
                                         Number most) {
  try {
    return parse_number(text, least, most);
  } catch (const ValueError& error) {
    throw ConfigurationError("command line: --" + option + ": " + error.what());
  }
}

}  // namespace sixin4::base
