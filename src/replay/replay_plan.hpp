// What a replay is to do, as the command line and the configuration say it.
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
  wire::Ipv4Address local;
  wire::Ipv4Address remote;
  std::uint16_t link_mtu = 1500;
};

/// Throws base::ConfigurationError and std::system_error. May read the capture, for an address that the
/// configuration leaves open.
[[nodiscard]] ReplayPlan replay_plan_of(const std::vector<std::string>& arguments);

[[nodiscard]] std::string describe_replay_options();

}  // namespace sixin4::replay
