// What is in force of one tunnel, and what follows from it for the engine.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>

#include "sixin4/config/configuration.hpp"
#include "sixin4/engine/parameters.hpp"
#include "sixin4/engine/path_mtu.hpp"
#include "sixin4/engine/source_rules.hpp"
#include "sixin4/engine/source_translation.hpp"
#include "sixin4/tunnel/underlay.hpp"
#include "sixin4/tunnel/wire_choice.hpp"
#include "sixin4/wire/address.hpp"

namespace sixin4::tunnel {

/// Between two calls of engine::FlowTable::expire. The worker threads begin flows without telling the control
/// thread, which therefore calls it whether there are flows or not.
inline constexpr std::chrono::seconds flow_expiry_period{1};

struct Settings {
  config::Configuration configuration;
  wire::Ipv4Address remote;                ///< what the configuration's host name stands for
  std::optional<std::uint16_t> fixed_mtu;  ///< in place of the configuration's, which holds at the start
                                           ///< only: somebody may have set another on the link; nothing: auto
  Underlay underlay;
  engine::PathMtu path;
  WireChoice wire{};
  std::shared_ptr<const engine::SourceRules>
      source_rules{};                           ///< the configuration's; nothing: there are none
  std::shared_ptr<engine::FlowMemory> flows{};  ///< kept when the rules change; nothing: never had rules
};

/// Puts the configuration's source rules into `settings`, and makes room for flows where these are the first
/// rules. `seed` is a secret.
void take_source_rules(Settings& settings, std::uint64_t seed);

[[nodiscard]] engine::TunnelParameters parameters_of(const Settings& settings);

}  // namespace sixin4::tunnel
