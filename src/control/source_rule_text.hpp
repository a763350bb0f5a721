// Reads source rules and pools.
#pragma once

#include <cstdint>
#include <string>

#include "sixin4/control/source_rules.hpp"

namespace sixin4::control {

/// `tcp`, `udp`, `icmpv6`, or a number. Throws ValueError.
[[nodiscard]] std::uint8_t parse_protocol(const std::string& text);

/// `NAME: ADDRESS[, ADDRESS | FIRST-LAST | PREFIX]...`. Throws ValueError.
[[nodiscard]] Pool parse_pool(const std::string& text);

/// `[from PREFIX] [to PREFIX|@FILE] [proto NAME|NUMBER] [port LIST] ACTION`. Throws ValueError.
[[nodiscard]] SourceRule parse_source_rule(const std::string& text);

}  // namespace sixin4::control
