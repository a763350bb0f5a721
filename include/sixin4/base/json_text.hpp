// JSON text of values whose strings may hold any bytes, and the inverse.
#pragma once

#include <string>
#include <string_view>

#include <nlohmann/json_fwd.hpp>

namespace sixin4::base {

/// The text of `value`, indented by `indent` spaces a level, or in one line if `indent` is -1. Strings are
/// escaped as `printable` does, because JSON text is UTF-8 and a name on a host may hold any bytes.
[[nodiscard]] std::string to_json_text(nlohmann::ordered_json value, int indent = -1);

/// The inverse of `to_json_text`: strings have their original bytes. Throws nlohmann::json::exception if the
/// text is not JSON.
[[nodiscard]] nlohmann::ordered_json parse_json_text(std::string_view text);

}  // namespace sixin4::base
