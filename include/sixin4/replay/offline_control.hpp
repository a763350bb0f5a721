// The parameters of a tunnel during a replay. They change as time passes and as routers report path MTUs, as
// in the control thread of a running endpoint.
#pragma once

#include <cstdint>
#include <optional>

#include "sixin4/config/configuration.hpp"
#include "sixin4/engine/parameters.hpp"
#include "sixin4/engine/time.hpp"
#include "sixin4/tunnel/settings.hpp"
#include "sixin4/wire/address.hpp"

namespace sixin4::replay {

/// Uses a fixed seed: random choices are the same in every run.
class OfflineControl {
 public:
  /// `local` and `remote` are the addresses that the configuration's `local` and `remote` stand for.
  /// `link_mtu` is the MTU of the IPv4 link.
  OfflineControl(const config::Configuration& configuration, const wire::Ipv4Address& local,
                 const wire::Ipv4Address& remote, std::uint16_t link_mtu);

  [[nodiscard]] const engine::TunnelParameters& parameters() const noexcept { return parameters_; }
  /// The MTU of the IPv4 path.
  [[nodiscard]] std::uint16_t path_mtu() const noexcept { return settings_.path.value(); }
  /// Number of flows in the flow table of the source rules.
  [[nodiscard]] std::uint32_t flows() const noexcept;

  /// Expires path MTUs and flows.
  void pass_time(engine::Time now);
  /// `reported` is a path MTU from a router; nullopt: no router has reported one.
  void take_path_mtu(std::optional<std::uint16_t> reported, engine::Time now);

 private:
  tunnel::Settings settings_;
  engine::TunnelParameters parameters_;
  engine::Time expire_flows_{};  ///< time of the next expiry of flows
};

}  // namespace sixin4::replay
