#include "sixin4/replay/offline_control.hpp"

namespace sixin4::replay {

namespace {

constexpr std::uint64_t seed = 1;

}  // namespace

OfflineControl::OfflineControl(const config::Configuration& configuration, const wire::Ipv4Address& local,
                               const wire::Ipv4Address& remote, std::uint16_t link_mtu)
    : settings_{.configuration = configuration,
                .remote = remote,
                .fixed_mtu = configuration.mtu,
                .underlay = {},
                .path = engine::PathMtu{link_mtu}} {
  settings_.underlay = {
      .ends = {.local = local, .remote = remote, .dev = {}}, .gateway = std::nullopt, .route_mtu = link_mtu};
  tunnel::take_source_rules(settings_, seed);
  parameters_ = tunnel::parameters_of(settings_);
}

std::uint32_t OfflineControl::flows() const noexcept {
  return settings_.flows ? settings_.flows->table.size() : 0;
}

void OfflineControl::pass_time(engine::Time now) {
  if (settings_.path.expire(now)) parameters_ = tunnel::parameters_of(settings_);
  if (!settings_.flows || now < expire_flows_) return;
  expire_flows_ = now + tunnel::flow_expiry_period;
  settings_.flows->table.expire(now);
}

void OfflineControl::take_path_mtu(std::optional<std::uint16_t> reported, engine::Time now) {
  if (reported && settings_.configuration.discovers_path_mtu() && settings_.path.learn(*reported, now)) {
    parameters_ = tunnel::parameters_of(settings_);
  }
}

}  // namespace sixin4::replay
