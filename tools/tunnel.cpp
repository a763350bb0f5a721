#include "tunnel.hpp"

#include <algorithm>
#include <cerrno>
#include <string>
#include <system_error>

#include "sixin4/control/address_text.hpp"
#include "sixin4/control/host_plan.hpp"

namespace sixin4 {

namespace {

using control::LogLevel;

// A tun device drops what its queue does not hold; the usual 500 packets are less than one socket may send.
constexpr std::uint32_t tun_queue_packets = 2000;
// One echo may be lost on any path.
constexpr std::size_t echoes_that_worry = 3;

double seconds(std::chrono::steady_clock::duration duration) {
  return std::chrono::duration<double>(duration).count();
}

control::DirectionStatus status_of(const engine::DirectionCounters& counters) {
  control::DirectionStatus status{.packets = counters.packets.value(),
                                  .bytes = counters.bytes.value(),
                                  .icmp_errors = counters.icmp_errors.value(),
                                  .drops = {}};
  for (std::size_t i = 0; i < engine::verdict_count; ++i) {
    const auto verdict = static_cast<engine::Verdict>(i);
    if (const auto count = counters.dropped(verdict)) status.drops.emplace(engine::name_of(verdict), count);
  }
  return status;
}

}  // namespace

Tunnel::Tunnel(const control::Configuration& configuration, const wire::Ipv4Address& remote,
               control::Log& log)
    : log_(log),
      tun_(configuration.interface),
      link_index_(tunnel_index(configuration.interface)),
      now_(settings_at_start(configuration, remote)),
      mtu_(now_.parameters().mtu),
      host_(netlink_, link_index_),
      endpoint_(tun_, now_.parameters(), now_.underlay.ends) {
  netlink_.configure_link(link_index_,
                          {.mtu = mtu_, .txqueuelen = tun_queue_packets, .addrgenmode_none = true});
  netlink_.configure_link(link_index_, {.up = true});
  host_.apply(control::host_state_of(configuration, now_.underlay.ends.local));
  restart_keepalive();
}

int Tunnel::tunnel_index(const std::string& interface) {
  const auto link = netlink_.link(interface);
  if (!link) throw std::system_error(ENODEV, std::generic_category(), "interface " + interface);
  return link->index;
}

Tunnel::Settings Tunnel::settings_at_start(const control::Configuration& configuration,
                                           const wire::Ipv4Address& remote) {
  const Underlay underlay = find_underlay(netlink_, configuration, remote, link_index_);
  return {.configuration = configuration,
          .remote = remote,
          .fixed_mtu = configuration.mtu,
          .underlay = underlay,
          .path = engine::PathMtu{underlay.route_mtu}};
}

void Tunnel::restart_keepalive() {
  keepalive_.reset();
  const control::Configuration& configuration = now_.configuration;
  if (configuration.keepalive == std::chrono::seconds::zero()) return;
  keepalive_.emplace(configuration.keepalive, control::far_end_of(configuration, now_.remote), link_index_,
                     Clock::now());
}

void Tunnel::reconfigure(const control::Configuration& fresh, const wire::Ipv4Address& remote) {
  const Underlay underlay = underlay_now(fresh, remote);
  // An MTU that an administrator has set stays until the configuration asks for another.
  use({.configuration = fresh,
       .remote = remote,
       .fixed_mtu = fresh.mtu == now_.configuration.mtu ? now_.fixed_mtu : fresh.mtu,
       .underlay = underlay,
       .path = path_over(fresh, underlay)});
  restart_keepalive();
}

void Tunnel::follow_host() {
  log_.write(LogLevel::debug, "host", "the host's network has changed");
  try {
    if (const std::size_t count = host_.restore(); count != 0) {
      log_.write(LogLevel::info, "restore",
                 "put back " + std::to_string(count) + " addresses, routes or rules that were removed");
    }
    Settings next = now_;
    next.underlay = underlay_now(now_.configuration, now_.remote);
    next.path = path_over(now_.configuration, next.underlay);
    const std::uint16_t on_link = link_mtu();
    if (on_link != mtu_) next.fixed_mtu = on_link;
    if (next.underlay == now_.underlay && on_link == mtu_) return;
    use(next);
    log_.write(LogLevel::info, "follow",
               "now " + control::to_string(ends().local) + " > " + control::to_string(ends().remote) +
                   " mtu " + std::to_string(mtu_) + ", path mtu " + std::to_string(now_.path.value()));
  } catch (const std::system_error& error) {
    // The next change is another chance; until then what was in force stays.
    log_.write(LogLevel::warn, "follow", error.what());
  }
}

/// A path that leads into the tunnel tells of nothing but itself: the ends stay those of the last good one.
Underlay Tunnel::underlay_now(const control::Configuration& configuration, const wire::Ipv4Address& remote) {
  Underlay underlay = find_underlay(netlink_, configuration, remote, link_index_);
  if (!underlay.loops) return underlay;
  log_.write(LogLevel::warn, "loop",
             "the IPv4 route to " + control::to_string(remote) + " leads into " + configuration.interface +
                 " itself: every packet is dropped as loop until there is another route");
  underlay = now_.underlay;
  underlay.loops = true;
  return underlay;
}

/// What routers have said of a path holds for that path.
engine::PathMtu Tunnel::path_over(const control::Configuration& configuration,
                                  const Underlay& underlay) const {
  const bool same = underlay == now_.underlay && configuration.discovers_path_mtu();
  return same ? now_.path : engine::PathMtu{underlay.route_mtu};
}

/// The MTU of the tunnel's link, as long as it is one that a tunnel can have.
std::uint16_t Tunnel::link_mtu() {
  const auto link = netlink_.link(link_index_);
  if (!link) return mtu_;
  if (link->mtu < control::min_tunnel_mtu) {
    log_.write(LogLevel::warn, "mtu",
               "the MTU of " + configuration().interface + " is " + std::to_string(link->mtu) +
                   ": below 1280 the kernel takes IPv6 off the link");
    return mtu_;
  }
  return static_cast<std::uint16_t>(std::min<std::uint32_t>(link->mtu, control::max_tunnel_mtu));
}

/// Puts settings in force, or throws and leaves the old ones.
void Tunnel::use(const Settings& next) {
  const control::HostState former = host_.state();
  const engine::TunnelParameters parameters = next.parameters();
  const std::uint16_t on_link = link_mtu();
  try {
    if (parameters.mtu != on_link) netlink_.configure_link(link_index_, {.mtu = parameters.mtu});
    host_.apply(control::host_state_of(next.configuration, next.underlay.ends.local));
    endpoint_.reconfigure(parameters, next.underlay.ends);
  } catch (...) {
    host_.apply(former);
    if (parameters.mtu != on_link) netlink_.configure_link(link_index_, {.mtu = on_link});
    throw;
  }
  now_ = next;
  mtu_ = parameters.mtu;
}

void Tunnel::take_path_mtu() {
  const auto told = endpoint_.take_path_mtu();
  engine::PathMtu path = now_.path;
  // What a worker still had in hand may be of a time when the path MTU was asked for.
  const bool lower = told && configuration().discovers_path_mtu() && path.learn(*told, Clock::now());
  if (!lower) {
    now_.path = path;
    return;
  }
  log_.write(LogLevel::info, "path-mtu", "a router tells of path mtu " + std::to_string(*told));
  use_path(path);
}

void Tunnel::use_path(const engine::PathMtu& path) {
  Settings next = now_;
  next.path = path;
  try {
    use(next);
  } catch (const std::system_error& error) {
    log_.write(LogLevel::warn, "follow", error.what());
    now_.path = path;  // it is true all the same
  }
}

void Tunnel::take_echoes() {
  const bool worried = keepalive_->record().lost_in_a_row() >= echoes_that_worry;
  keepalive_->take_answers(Clock::now());
  if (worried && keepalive_->record().lost_in_a_row() < echoes_that_worry) {
    log_.write(LogLevel::info, "keepalive", "the far end answers again");
  }
}

std::optional<Tunnel::Clock::time_point> Tunnel::next_due() const {
  std::optional<Clock::time_point> due = now_.path.expiry();
  if (keepalive_) {
    const auto echo = keepalive_->due(endpoint_.last_heard());
    due = due ? std::min(*due, echo) : echo;
  }
  return due;
}

void Tunnel::pass_time() {
  const auto now = Clock::now();
  if (engine::PathMtu path = now_.path; path.expire(now)) {
    log_.write(LogLevel::info, "path-mtu", "forgets a path mtu that is ten minutes old");
    use_path(path);
  }
  if (!keepalive_ || now < keepalive_->due(endpoint_.last_heard())) return;
  keepalive_->ask(now);
  if (keepalive_->record().lost_in_a_row() == echoes_that_worry) {
    log_.write(
        LogLevel::warn, "keepalive",
        "the far end does not answer: " + std::to_string(echoes_that_worry) + " echoes in a row were lost");
  }
}

bool Tunnel::link_is_up() {
  try {
    const auto link = netlink_.link(link_index_);
    return link && link->up;
  } catch (const std::system_error&) {
    return false;
  }
}

control::Status Tunnel::status() {
  control::Status status{
      .interface = configuration().interface,
      .local = control::to_string(ends().local),
      .remote = control::to_string(ends().remote),
      .up = link_is_up(),
      .mtu = mtu_,
      .path_mtu = now_.path.value(),
      .wire = "raw",
      .uptime_s = seconds(Clock::now() - started_),
      .out = status_of(endpoint_.out()),
      .in = status_of(endpoint_.in()),
  };
  if (const auto heard = endpoint_.last_heard(); heard != engine::Time{}) {
    status.last_heard_s = seconds(Clock::now() - heard);
  }
  if (!keepalive_) return status;
  if (const auto round_trip = keepalive_->record().round_trip()) status.rtt_ms = seconds(*round_trip) * 1000;
  status.loss = keepalive_->record().loss();
  return status;
}

}  // namespace sixin4
