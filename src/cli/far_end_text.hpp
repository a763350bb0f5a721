// The text about the far end in `show` and `show --watch`.
#pragma once

#include <string>

#include <nlohmann/json.hpp>

namespace sixin4::cli {

/// `far end heard 0.3 s ago, rtt 8.1 ms, loss 0.0 %`, without the parts that are null. `far_end` is a member
/// of a status.
[[nodiscard]] std::string far_end_text(const nlohmann::ordered_json& far_end);

}  // namespace sixin4::cli
