// Reads source rules and pools.
#pragma once

#include <string>

#include "sixin4/config/source_rules.hpp"

namespace sixin4::config {

/// `NAME: ADDRESS[, ADDRESS | FIRST-LAST | PREFIX]...`. Throws ValueError.
[[nodiscard]] Pool parse_pool(const std::string& text);

/// `[from PREFIX] [to PREFIX|@FILE] [proto NAME|NUMBER] [port LIST] ACTION`. Throws ValueError.
[[nodiscard]] SourceRule parse_source_rule(const std::string& text);

}  // namespace sixin4::config
