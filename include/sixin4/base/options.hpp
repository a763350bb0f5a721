// Options in their two notations, `--key value` arguments and `key = value` lines: the syntax, not the
// meaning.
#pragma once

#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sixin4::base {

/// A mistake of the user's: the text names the place (`FILE:LINE` or `command line`), the key and the mend.
class ConfigurationError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

struct Option {
  std::string name;   ///< `key`, or `key,k` for one with a short form
  std::string value;  ///< how a help text names the value; empty: the option is a switch
  std::string meaning;
};

using KeyValue = std::pair<std::string, std::string>;

struct Arguments {
  std::vector<KeyValue> options;   ///< in the order given
  std::vector<std::string> words;  ///< what is not an option

  [[nodiscard]] bool has(std::string_view name) const { return value_of(name).has_value(); }
  /// Of the first option of that name; nullopt: there is none.
  [[nodiscard]] std::optional<std::string> value_of(std::string_view name) const;
};

/// Throws ConfigurationError where an option is unknown, lacks its value, or has one that it should not have.
[[nodiscard]] Arguments parse_arguments(std::span<const Option> options,
                                        std::span<const std::string> arguments);

/// One line of a file at `place`: nothing where it is empty or a comment. Throws ConfigurationError.
[[nodiscard]] std::vector<KeyValue> parse_line(std::span<const Option> options, const std::string& line,
                                               const std::string& place);

/// A table of options for a help text.
[[nodiscard]] std::string describe(std::span<const Option> options);

}  // namespace sixin4::base
