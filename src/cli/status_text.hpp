// The answers of running endpoints to `show` as text.
#pragma once

#include <span>
#include <string>

namespace sixin4::cli {

/// A JSON list of the answers, and a newline. `indent` is that of nlohmann::json::dump: -1 writes one line.
/// Throws control::EndpointRefusal if an answer is not JSON.
[[nodiscard]] std::string show_json(std::span<const std::string> statuses, int indent = 2);

/// Several lines for each answer. Throws control::EndpointRefusal if an answer does not have the shape of a
/// status.
[[nodiscard]] std::string show_text(std::span<const std::string> statuses);

}  // namespace sixin4::cli
