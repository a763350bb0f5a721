// JSON text of values whose strings may be any bytes, and such values from their text.
#pragma once

#include <string>
#include <string_view>

#include <nlohmann/json_fwd.hpp>

namespace sixin4::base {

/// In one line, or indented by so many spaces. Strings are `printable`: JSON text is UTF-8, and names that a
/// host holds need not be.
[[nodiscard]] std::string to_json_text(nlohmann::ordered_json value, int indent = -1);

/// The inverse: strings have the bytes that the host has. Throws nlohmann::json::exception where the text is
/// not JSON.
[[nodiscard]] nlohmann::ordered_json parse_json_text(std::string_view text);

}  // namespace sixin4::base
