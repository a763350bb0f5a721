// The settings of one tunnel, and the engine parameters that follow from them.
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
#include "sixin4/tunnel/sender_choice.hpp"
#include "sixin4/tunnel/underlay.hpp"
#include "sixin4/wire/address.hpp"

namespace sixin4::tunnel {

/// Time between two calls of engine::FlowTable::expire. The control thread calls it even if the table is
/// empty, because it does not learn when a worker begins a flow.
inline constexpr std::chrono::seconds flow_expiry_period{1};

/// A value type. The tunnel puts new settings in force as a whole or not at all.
struct Settings {
  config::Configuration configuration;
  wire::Ipv4Address remote;                ///< the address of the configuration's host name
  std::optional<std::uint16_t> fixed_mtu;  ///< MTU of the tunnel in bytes: configured, or set on the link
                                           ///< since by an administrator; nullopt: it follows the path
  Underlay underlay;
  engine::PathMtu path;
  SenderChoice sender{};
  std::shared_ptr<const engine::SourceRules> source_rules{};  ///< nullptr: the configuration has none
  std::shared_ptr<engine::FlowMemory>
      flows{};  ///< kept when the rules change; nullptr: there were never rules
};

/// Sets `source_rules` from `configuration`, and allocates `flows` if these are the first rules. `seed` is
/// the secret of the flow table's hash.
void take_source_rules(Settings& settings, std::uint64_t seed);

[[nodiscard]] engine::TunnelParameters parameters_of(const Settings& settings);

}  // namespace sixin4::tunnel
