// The configured source rules in the engine's form.
#pragma once

#include <memory>

#include "sixin4/config/configuration.hpp"
#include "sixin4/engine/source_rules.hpp"

namespace sixin4::tunnel {

/// nullptr if there are no rules. The configured pools get the first indices, in their order.
[[nodiscard]] std::shared_ptr<const engine::SourceRules> source_rules_of(
    const config::Configuration& configuration);

}  // namespace sixin4::tunnel
