// What the control thread keeps of a tunnel, without a host under it: the parameters in force, and what
// becomes of them as time passes and routers tell of path MTUs.
#pragma once

#include <cstdint>
#include <optional>

#include "sixin4/config/configuration.hpp"
#include "sixin4/engine/parameters.hpp"
#include "sixin4/engine/time.hpp"
#include "sixin4/tunnel/settings.hpp"
#include "sixin4/wire/address.hpp"

namespace sixin4::replay {

/// Every choice by chance is the same in every run.
class OfflineControl {
 public:
  /// `local` and `remote` are what the configuration's stand for. `link_mtu` is that of the IPv4 link.
  OfflineControl(const config::Configuration& configuration, const wire::Ipv4Address& local,
                 const wire::Ipv4Address& remote, std::uint16_t link_mtu);

  [[nodiscard]] const engine::TunnelParameters& parameters() const noexcept { return parameters_; }
  /// Of the IPv4 path.
  [[nodiscard]] std::uint16_t path_mtu() const noexcept { return settings_.path.value(); }
  /// Flows that source rules keep track of.
  [[nodiscard]] std::uint32_t flows() const noexcept;

  void pass_time(engine::Time now);
  /// What routers have told of a path, where they have.
  void take_path_mtu(std::optional<std::uint16_t> told, engine::Time now);

 private:
  tunnel::Settings settings_;
  engine::TunnelParameters parameters_;
  engine::Time expire_flows_{};  ///< when next to
};

}  // namespace sixin4::replay
