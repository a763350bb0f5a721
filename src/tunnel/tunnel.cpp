// A tunnel from its start to its end. New settings come into force as a whole or not at all:
//
// 1. Look up the path, choose the sender and build the settings. A failure throws; nothing has changed.
// 2. Open the echo socket and allocate the flight recorders. A failure throws; nothing has changed.
// 3. Change addresses, routes and rules. After a failure restore the former ones and throw.
// 4. Change the MTU of the link. After a failure undo step 3 and throw.
// 5. Open the new sockets of all workers. After a failure undo steps 4 and 3 and throw.
// 6. Hand parameters and sockets to the workers, which use them from their next turn on.
// 7. Store the settings, the echo socket and the recorders.
//
// `reconfigure` does all steps. `put_in_force` does steps 4 to 6 and stores the settings; tunnel_follow.cpp
// calls it after a change of the host. A failure of an undo step goes to the log.
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

// A tun device drops packets if its queue is full. The kernel's default, 500 packets, is less than a single
// socket may send at once.
constexpr std::uint32_t tun_queue_packets = 2000;
// Path and neighbour are checked regularly, because the kernel announces neither changes of iptables and
// connection tracking nor the removal of routes whose nexthop object is deleted.
constexpr std::chrono::seconds path_check_period{1};
// Single echoes get lost on any path.
constexpr std::size_t lost_echoes_to_warn = 3;

std::uint64_t random_number() {
  std::uint64_t number = 0;
  if (::getrandom(&number, sizeof number, 0) != sizeof number) {
    throw base::system_failure("cannot get a random number");
  }
  return number;
}

/// The packets that each flight recorder keeps. Throws base::ConfigurationError if the recorders of all
/// queues need too much memory. config checks that only if the configuration names the number of queues.
std::uint32_t recorder_packets(const config::Configuration& configuration, std::size_t queues) {
  const std::string excess = config::recorder_excess(configuration.recorder, queues);
  if (!excess.empty()) throw base::ConfigurationError("recorder: " + excess);
  return configuration.recorder;
}

}  // namespace

Tunnel::Tunnel(const config::Configuration& configuration, const wire::Ipv4Address& remote,
               std::string unwatched, base::Log& log)
    : log_(log),
      sender_chooser_(netlink_, std::move(unwatched)),
      queues_(open_queues(configuration, why_one_queue_)),
      link_index_(tunnel_index(configuration.interface)),
      in_force_(settings_at_start(configuration, remote)),
      mtu_(parameters_of(in_force_).mtu),
      host_(netlink_, link_index_),
      workers_(queues_, parameters_of(in_force_), in_force_.underlay.ends, in_force_.sender.next_hop,
               recorder_packets(configuration, queues_.size())) {
  configure_link(link_index_);
  netlink_.configure_link(link_index_, {.up = true});
  host_.apply(host_state_of(configuration, ends().local));
  keepalive_ = keepalive_for(configuration, remote);
  log_missing_services();
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
                    .sender = sender_chooser_.choose(configuration, underlay)};
  take_source_rules(settings, random_number());
  return settings;
}

std::optional<Keepalive> Tunnel::keepalive_for(const config::Configuration& configuration,
                                               const wire::Ipv4Address& remote) const {
  if (configuration.keepalive == std::chrono::seconds::zero()) return std::nullopt;
  return Keepalive{configuration.keepalive, far_end_of(configuration, remote), link_index_, Clock::now()};
}

void Tunnel::reconfigure(const config::Configuration& fresh, const wire::Ipv4Address& remote) {
  if (!own_link()) throw base::system_failure(moved_text(), ENODEV);
  Settings next = settings_with_link_mtu(link_mtu());
  // An MTU that an administrator has set on the link stays until `mtu` changes.
  if (fresh.mtu != in_force_.configuration.mtu) next.fixed_mtu = fresh.mtu;
  next.configuration = fresh;
  next.remote = remote;
  next.underlay = current_underlay(fresh, remote);
  next.path = path_mtu_over(fresh, next.underlay);
  next.sender = sender_chooser_.choose(fresh, next.underlay);
  take_source_rules(next, random_number());
  const bool same_echoes = remote == in_force_.remote && fresh.keepalive == configuration().keepalive &&
                           far_end_of(fresh, remote) == far_end_of(configuration(), in_force_.remote);
  std::optional<Keepalive> keepalive = same_echoes ? std::nullopt : keepalive_for(fresh, remote);

  datapath::Recorders recorders = workers_.recorders_for(recorder_packets(fresh, queues_.size()));

  const netlink::HostState former = host_.state();
  try {
    host_.apply(host_state_of(fresh, next.underlay.ends.local));
    put_in_force(next);
  } catch (...) {
    undo("addresses, routes and rules", [&] { host_.apply(former); });
    throw;
  }
  if (!same_echoes) keepalive_ = std::move(keepalive);
  workers_.record(std::move(recorders));
}

/// The settings in force, with the current MTU of the link, which an administrator may have set.
Settings Tunnel::settings_with_link_mtu(std::uint32_t link_mtu_now) const {
  Settings settings = in_force_;
  if (link_mtu_now != mtu_) {
    settings.fixed_mtu =
        static_cast<std::uint16_t>(std::min<std::uint32_t>(link_mtu_now, config::max_tunnel_mtu));
  }
  return settings;
}

/// Puts settings in force in the link and in the workers. If that fails it throws, and the former settings
/// stay.
void Tunnel::put_in_force(const Settings& next) {
  const engine::TunnelParameters parameters = parameters_of(next);
  const std::uint32_t former_mtu = link_mtu();
  const bool changes_mtu = parameters.mtu != former_mtu && link_index_ != 0;
  const auto set_link_mtu = [this](std::uint32_t mtu) { netlink_.configure_link(link_index_, {.mtu = mtu}); };
  if (changes_mtu) set_link_mtu(parameters.mtu);
  try {
    if (parameters.no_path) {
      workers_.reconfigure(parameters);
    } else {
      workers_.reconfigure(parameters, next.underlay.ends, next.sender.next_hop);
    }
  } catch (...) {
    if (changes_mtu) undo("the link's MTU", [&] { set_link_mtu(former_mtu); });
    throw;
  }
  in_force_ = next;
  mtu_ = parameters.mtu;
}

/// Runs `action` while an exception is in flight. A failure of `action` is logged, because the caller must
/// see the first failure.
template <typename Action>
void Tunnel::undo(const char* what, Action&& action) noexcept {
  try {
    action();
  } catch (const std::exception& error) {
    log_.write(LogLevel::warn, "undo", std::string{"cannot restore "} + what + ": " + error.what());
  }
}

std::string Tunnel::sender_name() const {
  if (!has_path() || in_force_.underlay.loops) return "none";
  return in_force_.sender.next_hop ? "packet" : "raw";
}

void Tunnel::take_reports() {
  const auto report = workers_.reports().take_path_mtu();
  // The report may be from before a change of the path or of `pmtudisc`.
  if (!report || report->local != ends().local || report->remote != ends().remote ||
      !configuration().discovers_path_mtu() || !in_force_.path.learn(report->mtu, Clock::now())) {
    return;
  }
  log_.write(LogLevel::info, "path-mtu", "a router reports path mtu " + std::to_string(report->mtu));
  follow_path();
}

void Tunnel::take_echoes() {
  const bool warned = keepalive_->record().lost_in_a_row() >= lost_echoes_to_warn;
  keepalive_->take_answers(Clock::now());
  if (warned && keepalive_->record().lost_in_a_row() < lost_echoes_to_warn) {
    log_.write(LogLevel::info, "keepalive", "the far end answers again");
  }
}

io::Features Tunnel::features() const {
  io::Features features = workers_.features();
  io::merge(queues_.front().features(), features);
  if (queues_.size() > 1 || !why_one_queue_.empty()) features["tun-queues"] = why_one_queue_;
  return features;
}

/// Logs each change of the missing kernel services once.
void Tunnel::log_missing_services() {
  const std::string missing = missing_services(features());
  if (missing == missing_services_) return;
  missing_services_ = missing;
  log_.write(LogLevel::info, "offload",
             missing.empty() ? "no kernel service is missing any more" : "runs without " + missing);
}

std::array<Tunnel::Job, 4> Tunnel::jobs() const {
  const auto at = [](bool wanted, Clock::time_point time) {
    return wanted ? std::optional{time} : std::nullopt;
  };
  return {{
      {in_force_.path.expiry(), &Tunnel::forget_path_mtu},
      {at(polls_path(), next_path_check_), &Tunnel::check_path},
      {at(in_force_.flows != nullptr, next_flow_expiry_), &Tunnel::expire_flows},
      {keepalive_ ? std::optional{keepalive_->due(workers_.last_heard())} : std::nullopt,
       &Tunnel::send_echo_request},
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
  log_missing_services();
  const auto now = Clock::now();
  for (const Job& job : jobs()) {
    if (job.due && now >= *job.due) (this->*job.run)(now);
  }
}

void Tunnel::forget_path_mtu(Clock::time_point now) {
  if (!in_force_.path.expire(now)) return;
  log_.write(LogLevel::info, "path-mtu", "a path mtu that was learned ten minutes ago is forgotten");
  follow_path();
}

void Tunnel::check_path(Clock::time_point now) {
  next_path_check_ = now + path_check_period;
  verify_neighbour();
  follow_path();
}

void Tunnel::expire_flows(Clock::time_point now) {
  next_flow_expiry_ = now + flow_expiry_period;
  in_force_.flows->table.expire(now);
}

void Tunnel::send_echo_request(Clock::time_point now) {
  keepalive_->send_request(now);
  if (keepalive_->record().lost_in_a_row() == lost_echoes_to_warn) {
    log_.write(
        LogLevel::warn, "keepalive",
        "the far end does not answer: " + std::to_string(lost_echoes_to_warn) + " echoes in a row were lost");
  }
}

}  // namespace sixin4::tunnel
