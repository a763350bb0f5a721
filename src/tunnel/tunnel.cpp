#include "tunnel.hpp"

#include <algorithm>
#include <cerrno>
#include <exception>
#include <string>
#include <system_error>
#include <utility>

#include <sys/random.h>

#include "sixin4/base/options.hpp"
#include "sixin4/base/system_failure.hpp"
#include "sixin4/wire/address_text.hpp"

#include "host_plan.hpp"
#include "log_text.hpp"
#include "queues.hpp"

namespace sixin4::tunnel {

namespace {

using base::LogLevel;

// A tun device drops what its queue does not hold; the usual 500 packets are less than one socket may send.
constexpr std::uint32_t tun_queue_packets = 2000;
// The path and the neighbour are looked at so often because the kernel does not announce every change: none
// of iptables and connection tracking, and not the removal of routes that use a deleted nexthop object.
constexpr std::chrono::seconds look_period{1};
// One echo may be lost on any path.
constexpr std::size_t echoes_that_worry = 3;

std::uint64_t random_number() {
  std::uint64_t number = 0;
  if (::getrandom(&number, sizeof number, 0) != sizeof number) {
    throw base::system_failure("cannot get a random number");
  }
  return number;
}

/// Packets of each flight recorder. Throws base::ConfigurationError where the recorders of so many queues
/// would be too large together: the configuration was checked only where it names a number of queues.
std::uint32_t recorder_of(const config::Configuration& configuration, std::size_t queues) {
  const std::string excess = config::recorder_excess(configuration.recorder, queues);
  if (!excess.empty()) throw base::ConfigurationError("recorder: " + excess);
  return configuration.recorder;
}

}  // namespace

Tunnel::Tunnel(const config::Configuration& configuration, const wire::Ipv4Address& remote,
               std::string unwatched, base::Log& log)
    : log_(log),
      unwatched_(std::move(unwatched)),
      queues_(open_queues(configuration, queues_refused_)),
      link_index_(tunnel_index(configuration.interface)),
      now_(settings_at_start(configuration, remote)),
      mtu_(parameters_of(now_).mtu),
      host_(netlink_, link_index_),
      workers_(queues_, parameters_of(now_), now_.underlay.ends, now_.wire.next_hop,
               recorder_of(configuration, queues_.size())) {
  configure_link(link_index_);
  netlink_.configure_link(link_index_, {.up = true});
  host_.apply(host_state_of(configuration, ends().local));
  keepalive_ = keepalive_for(configuration, remote);
  tell_of_offload();
}

void Tunnel::configure_link(int index) {
  netlink_.configure_link(index, {.mtu = mtu_, .txqueuelen = tun_queue_packets, .addrgenmode_none = true});
}

int Tunnel::tunnel_index(const std::string& interface) {
  const auto link = netlink_.link(interface);
  if (!link) throw base::system_failure("interface " + interface, ENODEV);
  return link->index;
}

Settings Tunnel::settings_at_start(const config::Configuration& configuration,
                                   const wire::Ipv4Address& remote) {
  const Underlay underlay = find_underlay(netlink_, configuration, remote, link_index_);
  Settings settings{.configuration = configuration,
                    .remote = remote,
                    .fixed_mtu = configuration.mtu,
                    .underlay = underlay,
                    .path = engine::PathMtu{underlay.route_mtu},
                    .wire = choose_wire(netlink_, configuration, underlay, unwatched_)};
  take_source_rules(settings, random_number());
  return settings;
}

std::optional<Keepalive> Tunnel::keepalive_for(const config::Configuration& configuration,
                                               const wire::Ipv4Address& remote) const {
  if (configuration.keepalive == std::chrono::seconds::zero()) return std::nullopt;
  return Keepalive{configuration.keepalive, far_end_of(configuration, remote), link_index_, Clock::now()};
}

void Tunnel::reconfigure(const config::Configuration& fresh, const wire::Ipv4Address& remote) {
  if (!own_link()) throw base::system_failure(moved_away(), ENODEV);
  Settings next = settings_now(link_mtu());
  // An MTU that an administrator has set stays until the configuration asks for another.
  if (fresh.mtu != now_.configuration.mtu) next.fixed_mtu = fresh.mtu;
  next.configuration = fresh;
  next.remote = remote;
  next.underlay = underlay_now(fresh, remote);
  next.path = path_over(fresh, next.underlay);
  next.wire = choose_wire(netlink_, fresh, next.underlay, unwatched_);
  take_source_rules(next, random_number());
  const bool same_echoes = remote == now_.remote && fresh.keepalive == configuration().keepalive &&
                           far_end_of(fresh, remote) == far_end_of(configuration(), now_.remote);
  std::optional<Keepalive> keepalive = same_echoes ? std::nullopt : keepalive_for(fresh, remote);

  datapath::Recorders recorders = workers_.recorders_for(recorder_of(fresh, queues_.size()));

  const netlink::HostState former = host_.state();
  try {
    host_.apply(host_state_of(fresh, next.underlay.ends.local));
    switch_to(next);
  } catch (...) {
    undo("addresses, routes and rules", [&] { host_.apply(former); });
    throw;
  }
  if (!same_echoes) keepalive_ = std::move(keepalive);
  workers_.record(std::move(recorders));
}

/// What is in force, with the MTU that somebody may have set on the link since.
Settings Tunnel::settings_now(std::uint32_t on_link) const {
  Settings settings = now_;
  if (on_link != mtu_) {
    settings.fixed_mtu = static_cast<std::uint16_t>(std::min<std::uint32_t>(on_link, config::max_tunnel_mtu));
  }
  return settings;
}

/// Puts settings in force on the link and in the workers, or throws and leaves the old ones.
void Tunnel::switch_to(const Settings& next) {
  const engine::TunnelParameters parameters = parameters_of(next);
  const std::uint32_t on_link = link_mtu();
  const bool other_mtu = parameters.mtu != on_link && link_index_ != 0;
  const auto set_link_mtu = [this](std::uint32_t mtu) { netlink_.configure_link(link_index_, {.mtu = mtu}); };
  if (other_mtu) set_link_mtu(parameters.mtu);
  try {
    if (parameters.no_path) {
      workers_.reconfigure(parameters);
    } else {
      workers_.reconfigure(parameters, next.underlay.ends, next.wire.next_hop);
    }
  } catch (...) {
    if (other_mtu) undo("the link's MTU", [&] { set_link_mtu(on_link); });
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

std::string Tunnel::wire_name() const {
  if (!has_path() || now_.underlay.loops) return "none";
  return now_.wire.next_hop ? "packet" : "raw";
}

void Tunnel::take_reports() {
  const auto told = workers_.reports().take_path_mtu();
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

io::Features Tunnel::features() const {
  io::Features features = workers_.features();
  io::merge(queues_.front().features(), features);
  if (queues_.size() > 1 || !queues_refused_.empty()) features["tun-queues"] = queues_refused_;
  return features;
}

/// Once for each change.
void Tunnel::tell_of_offload() {
  const std::string missing = missing_services(features());
  if (missing == offload_told_) return;
  offload_told_ = missing;
  log_.write(LogLevel::info, "offload",
             missing.empty() ? "nothing is missing any more" : "runs without " + missing);
}

std::array<Tunnel::Job, 4> Tunnel::jobs() const {
  const auto at = [](bool wanted, Clock::time_point time) {
    return wanted ? std::optional{time} : std::nullopt;
  };
  return {{
      {now_.path.expiry(), &Tunnel::forget_path_mtu},
      {at(looks_again(), look_at_path_), &Tunnel::look_at_path},
      {at(now_.flows != nullptr, expire_flows_), &Tunnel::expire_flows},
      {keepalive_ ? std::optional{keepalive_->due(workers_.last_heard())} : std::nullopt,
       &Tunnel::ask_far_end},
  }};
}

std::optional<Tunnel::Clock::time_point> Tunnel::next_due() const {
  std::optional<Clock::time_point> next;
  for (const Job& job : jobs()) {
    if (job.due) next = next ? std::min(*next, *job.due) : *job.due;
  }
  return next;
}

void Tunnel::pass_time() {
  tell_of_offload();
  const auto now = Clock::now();
  for (const Job& job : jobs()) {
    if (job.due && now >= *job.due) (this->*job.run)(now);
  }
}

void Tunnel::forget_path_mtu(Clock::time_point now) {
  if (!now_.path.expire(now)) return;
  log_.write(LogLevel::info, "path-mtu", "forgets a path mtu that is ten minutes old");
  follow_path();
}

void Tunnel::look_at_path(Clock::time_point now) {
  look_at_path_ = now + look_period;
  verify_neighbour();
  follow_path();
}

void Tunnel::expire_flows(Clock::time_point now) {
  expire_flows_ = now + flow_expiry_period;
  now_.flows->table.expire(now);
}

void Tunnel::ask_far_end(Clock::time_point now) {
  keepalive_->ask(now);
  if (keepalive_->record().lost_in_a_row() == echoes_that_worry) {
    log_.write(
        LogLevel::warn, "keepalive",
        "the far end does not answer: " + std::to_string(echoes_that_worry) + " echoes in a row were lost");
  }
}

}  // namespace sixin4::tunnel
