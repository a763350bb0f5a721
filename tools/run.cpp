#include "run.hpp"

#include <array>
#include <cerrno>
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

// A tun device drops what its queue does not hold; the usual 500 packets are less than one socket may send.
constexpr std::uint32_t tun_queue_packets = 2000;

/// Blocks the signals that stop, reload or report, in this thread and those that it starts, and hands them
/// over as readable events.
io::FileDescriptor open_signals() {
  sigset_t signals;
  ::sigemptyset(&signals);
  for (const int number : {SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGUSR2}) ::sigaddset(&signals, number);
  if (::pthread_sigmask(SIG_BLOCK, &signals, nullptr) != 0) {
    throw std::system_error(errno, std::generic_category(), "cannot block signals");
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
  void handle_signals();
  void follow_host();
  void reload();
  [[nodiscard]] std::string answer(std::string_view verb);
  [[nodiscard]] control::Status status();
  [[nodiscard]] control::Link tunnel_link();
  void use(const control::Configuration& configuration, const Underlay& underlay);
  [[nodiscard]] std::uint16_t administrators_mtu();
  void warn_of_loop();

  const std::vector<std::string>& arguments_;
  io::FileDescriptor signals_ = open_signals();
  control::Configuration configuration_ = control::load_configuration(arguments_);
  control::Log log_{configuration_.log_level};
  std::chrono::steady_clock::time_point started_ = std::chrono::steady_clock::now();
  bool stopping_ = false;

  // In this order: who is told to go waits for the socket to close, which happens last of all.
  control::ControlServer server_{configuration_.control.empty()
                                     ? control::control_path(configuration_.interface)
                                     : configuration_.control};
  control::NetlinkMonitor monitor_;
  control::Netlink netlink_;
  wire::Ipv4Address remote_ = control::resolve_ipv4(configuration_.remote);
  io::TunDevice tun_{configuration_.interface};
  int link_index_ = tunnel_link().index;
  Underlay underlay_ = find_underlay(netlink_, configuration_, remote_, link_index_);
  control::HostNetwork host_{netlink_, link_index_};
  Endpoint endpoint_{tun_, parameters_of(configuration_, underlay_), underlay_.ends};
};

Supervisor::Supervisor(const std::vector<std::string>& arguments) : arguments_(arguments) {
  netlink_.configure_link(
      link_index_, {.mtu = configuration_.mtu, .txqueuelen = tun_queue_packets, .addrgenmode_none = true});
  netlink_.configure_link(link_index_, {.up = true});
  host_.apply(control::host_state_of(configuration_, underlay_.ends.local));
  if (underlay_.loops) warn_of_loop();
}

control::Link Supervisor::tunnel_link() {
  const auto link = netlink_.link(configuration_.interface);
  if (!link)
    throw std::system_error(ENODEV, std::generic_category(), "interface " + configuration_.interface);
  return *link;
}

void Supervisor::run() {
  std::cerr << "ready: " << configuration_.interface << ' ' << control::to_string(underlay_.ends.local)
            << " > " << control::to_string(underlay_.ends.remote) << " mtu " << configuration_.mtu
            << std::endl;
  control::notify_service_manager("READY=1");
  while (!stopping_) {
    std::array<pollfd, 4> polled{{{.fd = signals_.get(), .events = POLLIN, .revents = 0},
                                  {.fd = monitor_.fd(), .events = POLLIN, .revents = 0},
                                  {.fd = server_.fd(), .events = POLLIN, .revents = 0},
                                  {.fd = endpoint_.gone_fd(), .events = POLLIN, .revents = 0}}};
    if (::poll(polled.data(), polled.size(), -1) < 0 && errno != EINTR) {
      throw std::system_error(errno, std::generic_category(), "cannot wait for events");
    }
    if (polled[3].revents != 0) {
      throw std::system_error(ENODEV, std::generic_category(),
                              "interface " + configuration_.interface + " was deleted by somebody else");
    }
    if (polled[0].revents != 0) handle_signals();
    if (polled[1].revents != 0 && monitor_.drain()) follow_host();
    if (polled[2].revents != 0) server_.serve([this](std::string_view verb) { return answer(verb); });
  }
  control::notify_service_manager("STOPPING=1");
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
      case SIGUSR1: {
        const std::array text{control::to_json(status())};
        log_.write(LogLevel::error, "counters", control::show_text(text));
        break;
      }
      default:
        break;
    }
  }
}

/// What `ip link set … mtu` says, as long as it is an MTU that a tunnel can have.
std::uint16_t Supervisor::administrators_mtu() {
  const auto link = netlink_.link(link_index_);
  if (!link || link->mtu < wire::ipv6_min_mtu || link->mtu > control::max_tunnel_mtu)
    return configuration_.mtu;
  return static_cast<std::uint16_t>(link->mtu);
}

/// Something changed in the host's network: puts back what is ours, and follows the IPv4 path.
void Supervisor::follow_host() {
  try {
    if (const std::size_t count = host_.restore(); count != 0) {
      log_.write(LogLevel::info, "restore",
                 "put back " + std::to_string(count) + " addresses, routes or rules that were removed");
    }
    control::Configuration configuration = configuration_;
    configuration.mtu = administrators_mtu();
    Underlay underlay = find_underlay(netlink_, configuration_, remote_, link_index_);
    if (underlay.loops) {
      warn_of_loop();
      underlay = underlay_;
    }
    if (underlay == underlay_ && configuration.mtu == configuration_.mtu) return;
    log_.write(LogLevel::info, "follow",
               "now " + control::to_string(underlay.ends.local) + " > " +
                   control::to_string(underlay.ends.remote) + " mtu " + std::to_string(configuration.mtu) +
                   ", path mtu " + std::to_string(underlay.path_mtu));
    use(configuration, underlay);
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
  use(fresh, find_underlay(netlink_, fresh, remote, link_index_));
  remote_ = remote;
  log_.set_level(configuration_.log_level);
  log_.write(LogLevel::info, "reload", "reloaded the configuration");
}

/// Puts a configuration and an underlay in force, or throws and leaves the old ones.
void Supervisor::use(const control::Configuration& configuration, const Underlay& underlay) {
  const control::HostState former = host_.state();
  try {
    host_.apply(control::host_state_of(configuration, underlay.ends.local));
    endpoint_.reconfigure(parameters_of(configuration, underlay), underlay.ends);
  } catch (...) {
    host_.apply(former);
    throw;
  }
  if (configuration.mtu != configuration_.mtu)
    netlink_.configure_link(link_index_, {.mtu = configuration.mtu});
  configuration_ = configuration;
  underlay_ = underlay;
}

void Supervisor::warn_of_loop() {
  log_.write(LogLevel::warn, "loop",
             "the IPv4 route to " + control::to_string(remote_) + " leads into " + configuration_.interface +
                 " itself: every packet will be dropped as loop until another route is there");
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

control::Status Supervisor::status() {
  const auto now = std::chrono::steady_clock::now();
  const auto seconds_since = [now](engine::Time then) {
    return std::chrono::duration<double>(now - then).count();
  };
  const auto link = netlink_.link(link_index_);
  control::Status status{
      .interface = configuration_.interface,
      .local = control::to_string(underlay_.ends.local),
      .remote = control::to_string(underlay_.ends.remote),
      .up = link && link->up,
      .mtu = configuration_.mtu,
      .path_mtu = underlay_.path_mtu,
      .wire = "raw",
      .uptime_s = seconds_since(started_),
      .out = status_of(endpoint_.out()),
      .in = status_of(endpoint_.in()),
      .last_heard_s = std::nullopt,
  };
  if (const auto heard = endpoint_.last_heard(); heard != engine::Time{})
    status.last_heard_s = seconds_since(heard);
  return status;
}

}  // namespace

void run_endpoint(const std::vector<std::string>& arguments) {
  // On the heap: large buffers are part of it.
  const auto supervisor = std::make_unique<Supervisor>(arguments);
  supervisor->run();
}

}  // namespace sixin4
