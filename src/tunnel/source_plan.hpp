// The configuration's source rules, as the engine asks them.
#pragma once

#include <memory>

#include "sixin4/config/configuration.hpp"
#include "sixin4/engine/source_rules.hpp"

namespace sixin4::tunnel {

/// Nothing where there are no rules. The configuration's pools come first, and in their order.
[[nodiscard]] std::shared_ptr<const engine::SourceRules> source_rules_of(
    const config::Configuration& configuration);

}  // namespace sixin4::tunnel
