// Reads source rules, pools and tables.
#pragma once

#include <string>

#include "sixin4/config/source_rules.hpp"

namespace sixin4::config {

/// `NAME: ADDRESS[, ADDRESS | FIRST-LAST | PREFIX]...`. Throws ValueError.
[[nodiscard]] Pool parse_pool(const std::string& text);

/// `[from PREFIX] [to PREFIX|@FILE] [proto NAME|NUMBER] [port LIST] ACTION`. Throws ValueError.
[[nodiscard]] SourceRuleText parse_source_rule(const std::string& text);

/// Reads a file of `PREFIX [POOL|ADDRESS|keep|reject]` lines; `#` starts a comment. Throws ConfigurationError
/// with file and line, or std::runtime_error if the file cannot be read.
[[nodiscard]] SourceTableText read_source_table(const std::string& path);

}  // namespace sixin4::config
