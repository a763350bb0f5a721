// What is in force of one tunnel, and what follows from it for the engine.
#pragma once

#include <cstdint>
#include <optional>

#include "sixin4/control/configuration.hpp"
#include "sixin4/engine/parameters.hpp"
#include "sixin4/engine/path_mtu.hpp"
#include "sixin4/wire/address.hpp"

#include "underlay.hpp"
#include "wire_choice.hpp"

namespace sixin4 {

struct Settings {
  control::Configuration configuration;
  wire::Ipv4Address remote;                ///< what the configuration's host name stands for
  std::optional<std::uint16_t> fixed_mtu;  ///< in place of the configuration's, which holds at the start
                                           ///< only: somebody may have set another on the link; nothing: auto
  Underlay underlay;
  engine::PathMtu path;
  WireChoice wire{};
};

[[nodiscard]] engine::TunnelParameters parameters_of(const Settings& settings);

}  // namespace sixin4
