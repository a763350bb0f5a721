#include "run.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <iostream>
#include <memory>
#include <optional>
#include <system_error>

#include <poll.h>
#include <sys/signalfd.h>

#include "sixin4/control/address_text.hpp"
#include "sixin4/control/configuration.hpp"
#include "sixin4/control/control_socket.hpp"
#include "sixin4/control/host_name.hpp"
#include "sixin4/control/host_network.hpp"
#include "sixin4/control/host_plan.hpp"
#include "sixin4/control/log.hpp"
#include "sixin4/control/netlink.hpp"
#include "sixin4/control/netlink_monitor.hpp"
#include "sixin4/control/options.hpp"
#include "sixin4/control/service_manager.hpp"
#include "sixin4/control/status.hpp"

#include "endpoint.hpp"
#include "underlay.hpp"

namespace sixin4 {

namespace {

using control::LogLevel;
using Clock = std::chrono::steady_clock;

// A tun device drops what its queue does not hold; the usual 500 packets are less than one socket may send.
constexpr std::uint32_t tun_queue_packets = 2000;
// Bursts of changes, those of a full routing table for example, are answered together.
constexpr std::chrono::milliseconds follow_delay{100};

/// Blocks the signals that stop, reload or report, in this thread and those that it starts, and hands them
/// over as readable events.
io::FileDescriptor open_signals() {
  sigset_t signals;
  ::sigemptyset(&signals);
  for (const int number : {SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGUSR2}) ::sigaddset(&signals, number);
  if (const int error = ::pthread_sigmask(SIG_BLOCK, &signals, nullptr); error != 0) {
    throw std::system_error(error, std::generic_category(), "cannot block signals");
  }
  io::FileDescriptor fd{::signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK)};
  if (!fd) throw std::system_error(errno, std::generic_category(), "cannot open a signal descriptor");
  return fd;
}

control::DirectionStatus status_of(const engine::DirectionCounters& counters) {
  control::DirectionStatus status{
      .packets = counters.packets.value(), .bytes = counters.bytes.value(), .drops = {}};
  for (std::size_t i = 0; i < engine::verdict_count; ++i) {
    const auto verdict = static_cast<engine::Verdict>(i);
    if (const auto count = counters.dropped(verdict)) status.drops.emplace(engine::name_of(verdict), count);
  }
  return status;
}

/// Everything that runs in the control thread.
class Supervisor {
 public:
  explicit Supervisor(const std::vector<std::string>& arguments);

  void run();

 private:
  [[nodiscard]] int wait_ms() const;
  void handle_signals();
  void follow_host();
  void reload();
  void use(const control::Configuration& configuration, std::uint16_t mtu, const Underlay& underlay);
  [[nodiscard]] std::string answer(std::string_view verb);

  [[nodiscard]] Underlay underlay_now(const control::Configuration& configuration,
                                      const wire::Ipv4Address& remote);
  [[nodiscard]] std::uint16_t link_mtu();
  [[nodiscard]] bool link_is_up();
  [[nodiscard]] int tunnel_index();
  [[nodiscard]] control::Status status();

  const std::vector<std::string>& arguments_;
  control::Configuration configuration_ = control::load_configuration(arguments_);
  control::Log log_{configuration_.log_level};
  Clock::time_point started_ = Clock::now();
  bool stopping_ = false;
  std::optional<Clock::time_point> follow_at_;  ///< when to look at what the monitor has announced

  // In this order: who is told to go waits for the socket to close, which happens last of all.
  control::ControlServer server_{configuration_.control.empty()
                                     ? control::control_path(configuration_.interface)
                                     : configuration_.control};
  control::NetlinkMonitor monitor_;
  control::Netlink netlink_;
  wire::Ipv4Address remote_ = control::resolve_ipv4(configuration_.remote);
  io::FileDescriptor signals_ = open_signals();  // until here a signal simply ends the program
  io::TunDevice tun_{configuration_.interface};
  int link_index_ = tunnel_index();
  Underlay underlay_ = find_underlay(netlink_, configuration_, remote_, link_index_);
  std::uint16_t mtu_ = configuration_.mtu;  ///< in force: an administrator may have set another on the link
  control::HostNetwork host_{netlink_, link_index_};
  Endpoint endpoint_{tun_, parameters_of(configuration_, mtu_, underlay_), underlay_.ends};
};

Supervisor::Supervisor(const std::vector<std::string>& arguments) : arguments_(arguments) {
  netlink_.configure_link(link_index_,
                          {.mtu = mtu_, .txqueuelen = tun_queue_packets, .addrgenmode_none = true});
  netlink_.configure_link(link_index_, {.up = true});
  host_.apply(control::host_state_of(configuration_, underlay_.ends.local));
}

int Supervisor::tunnel_index() {
  const auto link = netlink_.link(configuration_.interface);
  if (!link)
    throw std::system_error(ENODEV, std::generic_category(), "interface " + configuration_.interface);
  return link->index;
}

void Supervisor::run() {
  std::cerr << "ready: " << configuration_.interface << ' ' << control::to_string(underlay_.ends.local)
            << " > " << control::to_string(underlay_.ends.remote) << " mtu " << mtu_ << std::endl;
  control::notify_service_manager("READY=1");
  while (!stopping_) {
    std::array<pollfd, 4> polled{{{.fd = signals_.get(), .events = POLLIN, .revents = 0},
                                  {.fd = monitor_.fd(), .events = POLLIN, .revents = 0},
                                  {.fd = server_.fd(), .events = POLLIN, .revents = 0},
                                  {.fd = endpoint_.gone_fd(), .events = POLLIN, .revents = 0}}};
    if (::poll(polled.data(), polled.size(), wait_ms()) < 0 && errno != EINTR) {
      throw std::system_error(errno, std::generic_category(), "cannot wait for events");
    }
    if (polled[3].revents != 0) {
      throw std::system_error(ENODEV, std::generic_category(),
                              "interface " + configuration_.interface + " was deleted by somebody else");
    }
    if (polled[0].revents != 0) handle_signals();
    if (polled[1].revents != 0 && monitor_.drain() && !follow_at_) follow_at_ = Clock::now() + follow_delay;
    if (follow_at_ && Clock::now() >= *follow_at_) follow_host();
    if (polled[2].revents != 0) server_.serve([this](std::string_view verb) { return answer(verb); });
  }
  control::notify_service_manager("STOPPING=1");
}

/// Until the next thing that is to be done without an event; -1 where there is none.
int Supervisor::wait_ms() const {
  if (!follow_at_) return -1;
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(*follow_at_ - Clock::now());
  return static_cast<int>(std::max<std::int64_t>(left.count(), 0));
}

void Supervisor::handle_signals() {
  signalfd_siginfo info{};
  while (::read(signals_.get(), &info, sizeof info) == sizeof info) {
    switch (info.ssi_signo) {
      case SIGTERM:
      case SIGINT:
        stopping_ = true;
        break;
      case SIGHUP:
        try {
          reload();
        } catch (const std::exception& error) {
          log_.write(LogLevel::error, "reload",
                     std::string{"reload failed, the old configuration stays: "} + error.what());
        }
        break;
      case SIGUSR1:
        control::Log::answer(control::to_line(status()));
        break;
      default:
        break;
    }
  }
}

/// Something changed in the host's network: puts back what is ours, and follows the IPv4 path.
void Supervisor::follow_host() {
  follow_at_.reset();
  log_.write(LogLevel::debug, "host", "the host's network has changed");
  try {
    if (const std::size_t count = host_.restore(); count != 0) {
      log_.write(LogLevel::info, "restore",
                 "put back " + std::to_string(count) + " addresses, routes or rules that were removed");
    }
    const Underlay underlay = underlay_now(configuration_, remote_);
    const std::uint16_t mtu = link_mtu();
    if (underlay == underlay_ && mtu == mtu_) return;
    use(configuration_, mtu, underlay);
    log_.write(LogLevel::info, "follow",
               "now " + control::to_string(underlay.ends.local) + " > " +
                   control::to_string(underlay.ends.remote) + " mtu " + std::to_string(mtu) + ", path mtu " +
                   std::to_string(underlay.path_mtu));
  } catch (const std::system_error& error) {
    // The next change is another chance; until then what was in force stays.
    log_.write(LogLevel::warn, "follow", error.what());
  }
}

void Supervisor::reload() {
  const control::Configuration fresh = control::load_configuration(arguments_);
  if (fresh.interface != configuration_.interface || fresh.control != configuration_.control) {
    throw control::ConfigurationError(
        std::string{fresh.interface != configuration_.interface ? "interface" : "control"} +
        ": cannot change while the endpoint runs; stop and start it");
  }
  const wire::Ipv4Address remote = control::resolve_ipv4(fresh.remote);
  // An MTU that an administrator has set stays until the configuration asks for another.
  use(fresh, fresh.mtu == configuration_.mtu ? mtu_ : fresh.mtu, underlay_now(fresh, remote));
  remote_ = remote;
  log_.set_level(configuration_.log_level);
  log_.write(LogLevel::info, "reload", "reloaded the configuration");
}

/// Puts a configuration, an MTU and an underlay in force, or throws and leaves the old ones.
void Supervisor::use(const control::Configuration& configuration, std::uint16_t mtu,
                     const Underlay& underlay) {
  const control::HostState former = host_.state();
  try {
    if (mtu != mtu_) netlink_.configure_link(link_index_, {.mtu = mtu});
    host_.apply(control::host_state_of(configuration, underlay.ends.local));
    endpoint_.reconfigure(parameters_of(configuration, mtu, underlay), underlay.ends);
  } catch (...) {
    host_.apply(former);
    if (mtu != mtu_) netlink_.configure_link(link_index_, {.mtu = mtu_});
    throw;
  }
  configuration_ = configuration;
  mtu_ = mtu;
  underlay_ = underlay;
}

std::string Supervisor::answer(std::string_view verb) {
  if (verb == "show") return control::to_json(status());
  if (verb == "reload") {
    reload();
  } else if (verb == "down") {
    stopping_ = true;
  } else {
    throw std::runtime_error("this endpoint does not know the request '" + std::string{verb} + "'");
  }
  return "null";
}

/// A path that leads into the tunnel tells of nothing but itself: the ends stay those of the last good one.
Underlay Supervisor::underlay_now(const control::Configuration& configuration,
                                  const wire::Ipv4Address& remote) {
  Underlay underlay = find_underlay(netlink_, configuration, remote, link_index_);
  if (!underlay.loops) return underlay;
  log_.write(LogLevel::warn, "loop",
             "the IPv4 route to " + control::to_string(remote) + " leads into " + configuration.interface +
                 " itself: every packet is dropped as loop until there is another route");
  underlay = underlay_;
  underlay.loops = true;
  return underlay;
}

/// The tunnel MTU: what the link says, as long as it is an MTU that a tunnel can have.
std::uint16_t Supervisor::link_mtu() {
  const auto link = netlink_.link(link_index_);
  if (!link) return mtu_;
  if (link->mtu < control::min_tunnel_mtu) {
    log_.write(LogLevel::warn, "mtu",
               "the MTU of " + configuration_.interface + " is " + std::to_string(link->mtu) +
                   ": below 1280 the kernel takes IPv6 off the link");
    return mtu_;
  }
  return static_cast<std::uint16_t>(std::min<std::uint32_t>(link->mtu, control::max_tunnel_mtu));
}

bool Supervisor::link_is_up() {
  try {
    const auto link = netlink_.link(link_index_);
    return link && link->up;
  } catch (const std::system_error&) {
    return false;
  }
}

control::Status Supervisor::status() {
  const auto now = Clock::now();
  const auto seconds_since = [now](Clock::time_point then) {
    return std::chrono::duration<double>(now - then).count();
  };
  control::Status status{
      .interface = configuration_.interface,
      .local = control::to_string(underlay_.ends.local),
      .remote = control::to_string(underlay_.ends.remote),
      .up = link_is_up(),
      .mtu = mtu_,
      .path_mtu = underlay_.path_mtu,
      .wire = "raw",
      .uptime_s = seconds_since(started_),
      .out = status_of(endpoint_.out()),
      .in = status_of(endpoint_.in()),
      .last_heard_s = std::nullopt,
  };
  if (const auto heard = endpoint_.last_heard(); heard != engine::Time{}) {
    status.last_heard_s = seconds_since(heard);
  }
  return status;
}

}  // namespace

void run_endpoint(const std::vector<std::string>& arguments) {
  // Whoever reads the log may go; the endpoint has a host to leave as it was.
  (void)std::signal(SIGPIPE, SIG_IGN);
  // On the heap: large buffers are part of it.
  const auto supervisor = std::make_unique<Supervisor>(arguments);
  supervisor->run();
}

}  // namespace sixin4
