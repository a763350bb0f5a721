// The command line of `sixin4 replay` and the configuration that it names.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "sixin4/config/configuration.hpp"
#include "sixin4/dissect/offline_options.hpp"
#include "sixin4/wire/address.hpp"

namespace sixin4::replay {

struct ReplayPlan : dissect::OfflineOptions {
  config::Configuration configuration;
  wire::Ipv4Address local;  ///< of the configuration, or taken from the capture for `local = auto`
  wire::Ipv4Address remote;
  std::uint16_t link_mtu = 1500;  ///< of the IPv4 link, in bytes
};

/// Reads the configuration, and the capture if `local` is `auto`. Throws base::ConfigurationError and
/// std::system_error.
[[nodiscard]] ReplayPlan replay_plan_of(const std::vector<std::string>& arguments);

[[nodiscard]] std::string describe_replay_options();

}  // namespace sixin4::replay
