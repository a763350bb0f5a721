// The syntax of options, as arguments `--key value` and as lines `key = value`.
#pragma once

#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sixin4::base {

/// The user's configuration or command line is invalid. The message names the place (`FILE:LINE` or `command
/// line`), the key, and how to correct it.
class ConfigurationError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

struct Option {
  std::string name;     ///< `key`, or `key,k` with a short form
  std::string value;    ///< the placeholder of the value in help texts; empty for a switch without a value
  std::string meaning;  ///< for help texts
};

using KeyValue = std::pair<std::string, std::string>;

struct Arguments {
  std::vector<KeyValue> options;   ///< in the order of the command line; the value of a switch is empty
  std::vector<std::string> words;  ///< the arguments that are not options

  [[nodiscard]] bool has(std::string_view name) const { return value_of(name).has_value(); }
  /// The value of the first option of that name; nothing: the option is absent.
  [[nodiscard]] std::optional<std::string> value_of(std::string_view name) const;
};

/// Names cannot be abbreviated. Throws ConfigurationError for an unknown option, a missing value, or a value
/// of a switch.
[[nodiscard]] Arguments parse_arguments(std::span<const Option> options,
                                        std::span<const std::string> arguments);

/// Parses one line of a file. Returns an empty vector for an empty line or a comment. Throws
/// ConfigurationError with `place`, which is `FILE:LINE`, in the message.
[[nodiscard]] std::vector<KeyValue> parse_line(std::span<const Option> options, const std::string& line,
                                               const std::string& place);

/// The table of options of a help text.
[[nodiscard]] std::string describe(std::span<const Option> options);

}  // namespace sixin4::base
