// The far end, as `show` tells of it once and live.
#pragma once

#include <string>

#include <nlohmann/json.hpp>

namespace sixin4::cli {

/// `far end heard 0.3 s ago, rtt 8.1 ms, loss 0.0 %`, as far as it is known. `far_end` is that of a status.
[[nodiscard]] std::string far_end_text(const nlohmann::ordered_json& far_end);

}  // namespace sixin4::cli
