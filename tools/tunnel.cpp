#include "tunnel.hpp"

#include <algorithm>
#include <cerrno>
#include <exception>
#include <string>
#include <system_error>
#include <thread>
#include <utility>

#include <sys/random.h>

#include "sixin4/control/address_text.hpp"
#include "sixin4/control/host_plan.hpp"

#include "explain.hpp"
#include "flow_page.hpp"

namespace sixin4 {

namespace {

using control::LogLevel;

// A tun device drops what its queue does not hold; the usual 500 packets are less than one socket may send.
constexpr std::uint32_t tun_queue_packets = 2000;
// iptables and connection tracking announce no changes; and how often a neighbour is said to be in use.
constexpr std::chrono::seconds wire_period{1};
// Flows begin without this thread's knowledge, so that it looks whether there are any or not.
constexpr std::chrono::seconds flow_expiry_period{1};
// One echo may be lost on any path.
constexpr std::size_t echoes_that_worry = 3;

double seconds(std::chrono::steady_clock::duration duration) {
  return std::chrono::duration<double>(duration).count();
}

std::size_t queue_count(const control::Configuration& configuration) {
  if (configuration.queues) return *configuration.queues;
  return std::clamp<std::size_t>(std::thread::hardware_concurrency(), 1, control::max_queues);
}

std::uint64_t random_number() {
  std::uint64_t number = 0;
  if (::getrandom(&number, sizeof number, 0) != sizeof number) {
    throw std::system_error(errno, std::generic_category(), "cannot get a random number");
  }
  return number;
}

control::DirectionStatus status_of(const engine::DirectionTotals& totals) {
  control::DirectionStatus status{
      .packets = totals.packets, .bytes = totals.bytes, .icmp_errors = totals.icmp_errors, .drops = {}};
  totals.for_each_drop([&status](engine::Verdict verdict, std::uint64_t count) {
    status.drops.emplace(engine::name_of(verdict), count);
  });
  return status;
}

}  // namespace

Tunnel::Tunnel(const control::Configuration& configuration, const wire::Ipv4Address& remote,
               control::Log& log)
    : log_(log),
      queues_(io::TunDevice::open_queues(configuration.interface, queue_count(configuration))),
      link_index_(tunnel_index(configuration.interface)),
      now_(settings_at_start(configuration, remote)),
      mtu_(parameters_of(now_).mtu),
      host_(netlink_, link_index_),
      endpoint_(queues_, parameters_of(now_), now_.underlay.ends, now_.wire.next_hop,
                configuration.recorder) {
  netlink_.configure_link(link_index_,
                          {.mtu = mtu_, .txqueuelen = tun_queue_packets, .addrgenmode_none = true});
  netlink_.configure_link(link_index_, {.up = true});
  host_.apply(control::host_state_of(configuration, ends().local));
  keepalive_ = keepalive_for(configuration, remote);
}

int Tunnel::tunnel_index(const std::string& interface) {
  const auto link = netlink_.link(interface);
  if (!link) throw std::system_error(ENODEV, std::generic_category(), "interface " + interface);
  return link->index;
}

Settings Tunnel::settings_at_start(const control::Configuration& configuration,
                                   const wire::Ipv4Address& remote) {
  const Underlay underlay = find_underlay(netlink_, configuration, remote, link_index_);
  Settings settings{.configuration = configuration,
                    .remote = remote,
                    .fixed_mtu = configuration.mtu,
                    .underlay = underlay,
                    .path = engine::PathMtu{underlay.route_mtu},
                    .wire = choose_wire(netlink_, configuration, underlay)};
  take_source_rules(settings, random_number());
  return settings;
}

std::optional<Keepalive> Tunnel::keepalive_for(const control::Configuration& configuration,
                                               const wire::Ipv4Address& remote) const {
  if (configuration.keepalive == std::chrono::seconds::zero()) return std::nullopt;
  return Keepalive{configuration.keepalive, control::far_end_of(configuration, remote), link_index_,
                   Clock::now()};
}

void Tunnel::reconfigure(const control::Configuration& fresh, const wire::Ipv4Address& remote) {
  Settings next = settings_now(link_mtu());
  // An MTU that an administrator has set stays until the configuration asks for another.
  if (fresh.mtu != now_.configuration.mtu) next.fixed_mtu = fresh.mtu;
  next.configuration = fresh;
  next.remote = remote;
  next.underlay = underlay_now(fresh, remote);
  next.path = path_over(fresh, next.underlay);
  next.wire = choose_wire(netlink_, fresh, next.underlay);
  take_source_rules(next, random_number());
  const bool same_echoes =
      remote == now_.remote && fresh.keepalive == configuration().keepalive &&
      control::far_end_of(fresh, remote) == control::far_end_of(configuration(), now_.remote);
  std::optional<Keepalive> keepalive = same_echoes ? std::nullopt : keepalive_for(fresh, remote);

  Recorders recorders = endpoint_.make_recorders(fresh.recorder);

  const control::HostState former = host_.state();
  try {
    host_.apply(control::host_state_of(fresh, next.underlay.ends.local));
    switch_to(next);
  } catch (...) {
    undo("addresses, routes and rules", [&] { host_.apply(former); });
    throw;
  }
  if (!same_echoes) keepalive_ = std::move(keepalive);
  endpoint_.record(std::move(recorders));
}

void Tunnel::follow_host() {
  log_.write(LogLevel::debug, "host", "the host's network has changed");
  // One after the other: what cannot be done for the one is no reason to leave the other as it is.
  follow_path();
  keep_host_state();
}

void Tunnel::follow_path() {
  try {
    const std::uint32_t on_link = link_mtu();
    Settings next = settings_now(on_link);
    next.underlay = underlay_now(next.configuration, next.remote);
    next.path = path_over(next.configuration, next.underlay);
    next.wire = choose_wire(netlink_, next.configuration, next.underlay);
    const bool same_path =
        next.underlay == now_.underlay && parameters_of(next).mtu == mtu_ && on_link == mtu_;
    if (same_path) return switch_wire(next.wire);
    switch_to(next);
    log_.write(LogLevel::info, "follow",
               "now " + control::to_string(ends().local) + " > " + control::to_string(ends().remote) +
                   " mtu " + std::to_string(mtu_) + ", path mtu " + std::to_string(now_.path.value()));
  } catch (const std::system_error& error) {
    // The next change is another chance; until then what was in force stays.
    log_.write(LogLevel::warn, "follow", error.what());
  }
}

/// Puts back what was removed; and with another IPv4 address the link-local one is another, too.
void Tunnel::keep_host_state() {
  try {
    const std::size_t count = host_.apply(control::host_state_of(configuration(), ends().local));
    if (count != 0) {
      log_.write(LogLevel::info, "restore",
                 "put " + std::to_string(count) + " addresses, routes or rules in place that were missing");
    }
  } catch (const std::system_error& error) {
    log_.write(LogLevel::warn, "restore", error.what());
  }
}

/// A path that leads into the tunnel tells of nothing but itself: the ends stay those of the last good one.
Underlay Tunnel::underlay_now(const control::Configuration& configuration, const wire::Ipv4Address& remote) {
  Underlay underlay = find_underlay(netlink_, configuration, remote, link_index_);
  if (!underlay.loops) return underlay;
  const std::string loop = "the IPv4 route to " + control::to_string(remote) + " leads into " +
                           configuration.interface + " itself";
  const bool same_ends = remote == now_.remote && configuration.local == now_.configuration.local &&
                         configuration.dev == now_.configuration.dev;
  if (!same_ends) throw std::system_error(ELOOP, std::generic_category(), loop);
  log_.write(LogLevel::warn, "loop", loop + ": every packet is dropped as loop until there is another route");
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

/// The MTU of the tunnel's link. One that no tunnel can have is left there, and changes nothing.
std::uint32_t Tunnel::link_mtu() {
  const auto link = netlink_.link(link_index_);
  if (!link) return mtu_;
  if (link->mtu >= control::min_tunnel_mtu) return link->mtu;
  log_.write(LogLevel::warn, "mtu",
             "the MTU of " + configuration().interface + " is " + std::to_string(link->mtu) +
                 ": below 1280 the kernel takes IPv6 off the link");
  return mtu_;
}

/// What is in force, with the MTU that somebody may have set on the link since.
Settings Tunnel::settings_now(std::uint32_t on_link) const {
  Settings settings = now_;
  if (on_link != mtu_) {
    settings.fixed_mtu =
        static_cast<std::uint16_t>(std::min<std::uint32_t>(on_link, control::max_tunnel_mtu));
  }
  return settings;
}

/// Puts settings in force on the link and in the workers, or throws and leaves the old ones.
void Tunnel::switch_to(const Settings& next) {
  const engine::TunnelParameters parameters = parameters_of(next);
  const std::uint32_t on_link = link_mtu();
  const auto set_link_mtu = [this](std::uint32_t mtu) { netlink_.configure_link(link_index_, {.mtu = mtu}); };
  if (parameters.mtu != on_link) set_link_mtu(parameters.mtu);
  try {
    endpoint_.reconfigure(parameters, next.underlay.ends, next.wire.next_hop);
  } catch (...) {
    if (parameters.mtu != on_link) undo("the link's MTU", [&] { set_link_mtu(on_link); });
    throw;
  }
  now_ = next;
  mtu_ = parameters.mtu;
}

/// On the way out of a failure: another one is told, and does not take the first one's place.
template <typename Action>
void Tunnel::undo(const char* what, Action&& action) noexcept {
  try {
    action();
  } catch (const std::exception& error) {
    log_.write(LogLevel::warn, "undo", std::string{"cannot put back "} + what + ": " + error.what());
  }
}

void Tunnel::follow_wire() {
  try {
    switch_wire(choose_wire(netlink_, configuration(), now_.underlay));
  } catch (const std::system_error& error) {
    log_.write(LogLevel::warn, "wire", error.what());
  }
}

void Tunnel::switch_wire(const WireChoice& wire) {
  if (wire == now_.wire) return;
  const bool same_socket = wire.next_hop.has_value() == now_.wire.next_hop.has_value();
  Settings next = settings_now(link_mtu());  // which may have been set, and not been followed yet
  next.wire = wire;
  switch_to(next);
  log_.write(LogLevel::debug, "wire",
             same_socket && wire.next_hop
                 ? "the next hop's link-layer address, or the link's own, has changed"
                 : "now sending by a " + wire_name() + " socket: " + wire.reason);
}

std::string Tunnel::wire_name() const {
  return now_.wire.next_hop ? "packet" : "raw";
}

/// A packet socket's packets do not count as a use of the neighbour.
void Tunnel::use_neighbour() {
  const std::uint64_t sent = endpoint_.out().packets;
  if (!now_.wire.next_hop || std::exchange(sent_before_, sent) == sent) return;
  try {
    netlink_.use_neighbour(now_.wire.next_hop->link_index,
                           now_.underlay.gateway.value_or(now_.underlay.ends.remote));
  } catch (const std::system_error& error) {
    log_.write(LogLevel::debug, "wire", error.what());
  }
}

void Tunnel::take_path_mtu() {
  const auto told = endpoint_.reports().take_path_mtu();
  // A worker may have had in hand what was about another path, or is no longer asked for.
  if (!told || told->local != ends().local || told->remote != ends().remote ||
      !configuration().discovers_path_mtu() || !now_.path.learn(told->mtu, Clock::now())) {
    return;
  }
  log_.write(LogLevel::info, "path-mtu", "a router tells of path mtu " + std::to_string(told->mtu));
  follow_path();
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
  const auto or_at = [&due](Clock::time_point other) { due = due ? std::min(*due, other) : other; };
  if (keepalive_) or_at(keepalive_->due(endpoint_.last_heard()));
  if (configuration().wire != control::Wire::raw) or_at(look_at_wire_);
  if (now_.flows) or_at(expire_flows_);
  return due;
}

void Tunnel::pass_time() {
  const auto now = Clock::now();
  if (now_.path.expire(now)) {
    log_.write(LogLevel::info, "path-mtu", "forgets a path mtu that is ten minutes old");
    follow_path();
  }
  if (configuration().wire != control::Wire::raw && now >= look_at_wire_) {
    look_at_wire_ = now + wire_period;
    use_neighbour();
    follow_wire();
  }
  if (now_.flows && now >= expire_flows_) {
    expire_flows_ = now + flow_expiry_period;
    now_.flows->table.expire(now);
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
      .wire = wire_name(),
      .wire_reason = now_.wire.reason,
      .uptime_s = seconds(Clock::now() - started_),
      .out = status_of(endpoint_.out()),
      .in = status_of(endpoint_.in()),
      .flows = now_.flows ? now_.flows->table.size() : 0,
  };
  if (const auto heard = endpoint_.last_heard(); heard != engine::Time{}) {
    status.last_heard_s = seconds(Clock::now() - heard);
  }
  if (!keepalive_) return status;
  if (const auto round_trip = keepalive_->record().round_trip()) status.rtt_ms = seconds(*round_trip) * 1000;
  status.loss = keepalive_->record().loss();
  return status;
}

control::Explanation Tunnel::explain(const control::ExplainQuery& query) {
  return sixin4::explain(query, now_, link_index_, netlink_, Clock::now());
}

control::FlowPage Tunnel::flows(std::uint32_t first) const {
  return now_.flows ? flow_page(now_.flows->table, first, Clock::now()) : control::FlowPage{};
}

}  // namespace sixin4
