// What running endpoints answer to `show`, as it is printed.
#pragma once

#include <span>
#include <string>

namespace sixin4::cli {

/// A JSON list of these objects, and a line feed. `indent` is that of nlohmann::json::dump: -1 is one line.
/// Throws control::EndpointRefusal where an answer is not JSON.
[[nodiscard]] std::string show_json(std::span<const std::string> statuses, int indent = 2);

/// Some lines for each. Throws control::EndpointRefusal where an answer has not the shape of a status.
[[nodiscard]] std::string show_text(std::span<const std::string> statuses);

}  // namespace sixin4::cli
