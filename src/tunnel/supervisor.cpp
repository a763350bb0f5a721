#include "sixin4/tunnel/supervisor.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>
#include <iostream>
#include <limits>
#include <memory>
#include <optional>
#include <stdexcept>
#include <system_error>

#include <poll.h>
#include <sys/signalfd.h>

#include "sixin4/base/log.hpp"
#include "sixin4/base/options.hpp"
#include "sixin4/base/printable.hpp"
#include "sixin4/base/system_failure.hpp"
#include "sixin4/config/configuration.hpp"
#include "sixin4/control/capture_request.hpp"
#include "sixin4/control/control_socket.hpp"
#include "sixin4/control/explanation.hpp"
#include "sixin4/control/flow_status.hpp"
#include "sixin4/control/status.hpp"
#include "sixin4/engine/token_bucket.hpp"
#include "sixin4/netlink/kernel_behaviour.hpp"
#include "sixin4/netlink/netlink_monitor.hpp"
#include "sixin4/wire/address_text.hpp"

#include "capabilities.hpp"
#include "crash.hpp"
#include "flight_recorder.hpp"
#include "host_name.hpp"
#include "log_text.hpp"
#include "remedy.hpp"
#include "service_manager.hpp"
#include "tunnel.hpp"
#include "wire_monitors.hpp"

namespace sixin4::tunnel {

namespace {

using base::LogLevel;
using Clock = std::chrono::steady_clock;

// Changes come in bursts. A small one is answered together and at once: whoever sends before the tunnel has
// followed may be told an MTU that is no longer true. A long one, a full routing table for example, some
// twenty times a second.
constexpr std::chrono::milliseconds follow_delay{2};
constexpr std::chrono::milliseconds follow_delay_in_long_bursts{100};
constexpr std::uint32_t quick_follows_a_second = 10;
constexpr std::uint32_t quick_follows_in_a_burst = 20;

/// When to look at what has been announced.
class FollowDelay {
 public:
  void announce() {
    if (due_) return;
    const auto now = Clock::now();
    due_ = now + (quick_follows_.take(now) ? follow_delay : follow_delay_in_long_bursts);
  }
  [[nodiscard]] const std::optional<Clock::time_point>& due() const noexcept { return due_; }
  /// Whether it is time; if so the next announcement begins anew.
  [[nodiscard]] bool take() {
    if (!due_ || Clock::now() < *due_) return false;
    due_.reset();
    return true;
  }

 private:
  std::optional<Clock::time_point> due_;
  engine::TokenBucket quick_follows_{quick_follows_a_second, quick_follows_in_a_burst};
};

/// Blocks the signals that stop, reload or report, in this thread and those that it starts, and hands them
/// over as readable events.
base::FileDescriptor open_signals() {
  sigset_t signals;
  ::sigemptyset(&signals);
  for (const int number : {SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGUSR2}) ::sigaddset(&signals, number);
  if (const int error = ::pthread_sigmask(SIG_BLOCK, &signals, nullptr); error != 0) {
    throw base::system_failure("cannot block signals", error);
  }
  base::FileDescriptor fd{::signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK)};
  if (!fd) throw base::system_failure("cannot open a signal descriptor");
  return fd;
}

/// What the host or the configuration have in them that is likely to be a surprise.
void warn_of_surprises(const Tunnel& tunnel, base::Log& log) {
  const config::Configuration& configuration = tunnel.configuration();
  if (const auto module = netlink::module_that_answers()) {
    log.write(LogLevel::warn, "kernel",
              "this kernel has its module " + *module +
                  " loaded, which answers every packet from the far end with ICMP port unreachable unless a "
                  "sit device takes it (RFC 4213 forbids that, and connections fail of it): remove the sit, "
                  "ipip and tunnel4 modules, or drop "
                  "the answers, for example with: nft 'add table ip sixin4; add chain ip sixin4 out { type "
                  "filter hook output priority 0; }; add rule ip sixin4 out ip daddr " +
                  to_string(tunnel.ends().remote) +
                  " icmp type destination-unreachable icmp code port-unreachable drop'");
  }
  if (configuration.discovers_path_mtu() && netlink::hides_path_mtu()) {
    log.write(
        LogLevel::warn, "pmtu",
        "the sysctl net.ipv4.ip_no_pmtu_disc is not 0: the kernel does not pass on what routers tell of "
        "the path MTU; set it to 0, or give a fixed 'mtu'");
  }
  if (configuration.egress_filter && configuration.addresses.empty() && configuration.prefixes.empty()) {
    log.write(
        LogLevel::warn, "egress-filter",
        "neither 'address' nor 'prefix' says which addresses are ours: packets of all others are refused "
        "as source-not-ours; name them, or set 'egress-filter = no'");
  }
}

class Supervisor;

// NOLINTNEXTLINE(cppcoreguidelines-avoid-non-const-global-variables): who dies has nothing else to look at
Supervisor* running = nullptr;

void save_last_packets(int signal);

/// Everything that runs in the control thread.
class Supervisor {
 public:
  Supervisor(const std::vector<std::string>& arguments, const config::Configuration& configuration)
      : arguments_(arguments),
        log_(configuration.log_level),
        server_(configuration.control.empty() ? control::control_path(configuration.interface)
                                              : configuration.control),
        first_remote_(resolve_ipv4(configuration.remote)),
        signals_(open_signals()),
        tunnel_(configuration, first_remote_, wire_monitors_.blind(), log_) {
    running = this;
    on_crash(save_last_packets);
  }
  ~Supervisor() { running = nullptr; }
  Supervisor(Supervisor&&) = delete;
  Supervisor& operator=(Supervisor&&) = delete;
  Supervisor(const Supervisor&) = delete;
  Supervisor& operator=(const Supervisor&) = delete;

  void run();
  /// Writes what the flight recorder has to a file, and logs its path. `why` leads the line.
  void save_recording(const std::string& why) noexcept;

 private:
  [[nodiscard]] int wait_ms() const;
  void handle_signals();
  [[nodiscard]] int wire_fd(std::size_t monitor) const noexcept;
  void reload();
  [[nodiscard]] control::Answer answer(std::string_view verb);

  const std::vector<std::string>& arguments_;
  base::Log log_;
  bool stopping_ = false;
  FollowDelay follow_host_;
  FollowDelay follow_wire_;

  // In this order: who is told to go waits for the socket to close, which happens last of all.
  control::ControlServer server_;
  netlink::NetlinkMonitor monitor_{netlink::Subject::configuration};
  wire::Ipv4Address first_remote_;
  base::FileDescriptor signals_;  // until here a signal simply ends the program
  WireMonitors wire_monitors_;    // before the choice that rests on them
  Tunnel tunnel_;
};

void Supervisor::run() {
  warn_of_surprises(tunnel_, log_);
  std::cerr << "ready: " << base::printable(tunnel_.configuration().interface) << ' '
            << to_string(tunnel_.ends().local) << " > " << to_string(tunnel_.ends().remote) << " mtu "
            << tunnel_.mtu() << std::endl;
  notify_service_manager("READY=1");
  tunnel_.follow_wire();  // what has changed since the choice
  while (!stopping_) {
    // poll(2) passes by a descriptor of -1.
    std::array<pollfd, 9> polled{{{.fd = signals_.get(), .events = POLLIN, .revents = 0},
                                  {.fd = monitor_.fd(), .events = POLLIN, .revents = 0},
                                  {.fd = server_.fd(), .events = POLLIN, .revents = 0},
                                  {.fd = tunnel_.gone_fd(), .events = POLLIN, .revents = 0},
                                  {.fd = tunnel_.path_mtu_fd(), .events = POLLIN, .revents = 0},
                                  {.fd = tunnel_.echo_fd(), .events = POLLIN, .revents = 0},
                                  {.fd = wire_fd(0), .events = POLLIN, .revents = 0},
                                  {.fd = wire_fd(1), .events = POLLIN, .revents = 0},
                                  {.fd = wire_fd(2), .events = POLLIN, .revents = 0}}};
    if (::poll(polled.data(), polled.size(), wait_ms()) < 0 && errno != EINTR) {
      throw base::system_failure("cannot wait for events");
    }
    if (polled[3].revents != 0) {
      throw base::system_failure(
          "interface " + tunnel_.configuration().interface + " was deleted by somebody else", ENODEV);
    }
    if (polled[4].revents != 0) tunnel_.take_path_mtu();
    if (polled[5].revents != 0) tunnel_.take_echoes();
    for (std::size_t i = 0; i < WireMonitors::count; ++i) {
      if (polled[6 + i].revents != 0 && wire_monitors_.drain(i)) follow_wire_.announce();
    }
    if (follow_wire_.take()) tunnel_.follow_wire();
    tunnel_.pass_time();
    if (polled[0].revents != 0) handle_signals();
    if (polled[1].revents != 0 && monitor_.drain()) follow_host_.announce();
    if (follow_host_.take()) tunnel_.follow_host();
    if (polled[2].revents != 0) server_.serve([this](std::string_view verb) { return answer(verb); });
  }
  notify_service_manager("STOPPING=1");
}

/// Where a raw socket is asked for nothing else is looked at: what the monitor's socket has no room for then
/// is lost, which counts as an announcement once it is polled again.
int Supervisor::wire_fd(std::size_t monitor) const noexcept {
  return tunnel_.configuration().wire == config::Wire::raw ? -1 : wire_monitors_.fd(monitor);
}

/// Until the next thing that is to be done without an event; -1 where there is none.
int Supervisor::wait_ms() const {
  auto next = tunnel_.next_due();
  for (const auto& due : {follow_host_.due(), follow_wire_.due()}) {
    if (due) next = next ? std::min(*next, *due) : *due;
  }
  if (!next) return -1;
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(*next - Clock::now());
  return static_cast<int>(std::clamp<std::int64_t>(left.count(), 0, std::numeric_limits<int>::max()));
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
        base::Log::answer(counters_line(tunnel_.status()));
        break;
      case SIGUSR2:
        save_recording("asked by a signal");
        break;
      default:
        break;
    }
  }
}

void Supervisor::reload() {
  const config::Configuration fresh = config::load_configuration(arguments_);
  const config::Configuration& former = tunnel_.configuration();
  const char* fixed = fresh.interface != former.interface ? "interface"
                      : fresh.control != former.control   ? "control"
                      : fresh.queues != former.queues     ? "queues"
                      : fresh.flows != former.flows       ? "flows"
                                                          : nullptr;
  if (fixed != nullptr) {
    throw base::ConfigurationError(std::string{fixed} +
                                   ": cannot change while the endpoint runs; stop and start it");
  }
  tunnel_.reconfigure(fresh, resolve_ipv4(fresh.remote));
  log_.set_level(fresh.log_level);
  log_.write(LogLevel::info, "reload", "reloaded the configuration");
  warn_of_surprises(tunnel_, log_);
}

void save_last_packets(int signal) {
  if (running != nullptr) running->save_recording(::strsignal(signal));
}

void Supervisor::save_recording(const std::string& why) noexcept {
  try {
    if (tunnel_.configuration().recorder == 0) {
      return log_.write(LogLevel::warn, "recorder", why + ": the flight recorder is off");
    }
    const auto packets = tunnel_.recorded();
    const std::string path = sixin4::tunnel::save_recording(tunnel_.configuration().interface, packets);
    base::Log::answer(why + ": the last " + std::to_string(packets.size()) + " packets are in " + path);
  } catch (const std::exception& error) {
    log_.write(LogLevel::error, "recorder", error.what());
  }
}

control::Answer Supervisor::answer(std::string_view verb) {
  if (verb == "show") return control::to_json(tunnel_.status());
  if (const auto query = control::explain_query_of(verb)) return control::to_json(tunnel_.explain(*query));
  if (const auto first = control::first_flow_of(verb)) return control::to_json(tunnel_.flows(*first));
  if (const auto snap_length = control::snap_length_of(verb)) {
    control::Answer answer{control::capture_answer(tunnel_.configuration().interface)};
    answer.begin = [this, length = *snap_length] {
      datapath::LiveCapture capture = tunnel_.capture(length);
      return control::Lasting{.descriptors = std::move(capture.rings), .held = std::move(capture.lasting)};
    };
    return answer;
  }
  if (verb == control::recorder_request) {
    if (tunnel_.configuration().recorder == 0) throw std::runtime_error("the flight recorder is off");
    control::Answer answer{control::capture_answer(tunnel_.configuration().interface)};
    answer.descriptors.push_back(ring_of(tunnel_.recorded()));
    return answer;
  }
  if (verb == "reload") {
    reload();
  } else if (verb == "down") {
    stopping_ = true;
  } else {
    throw std::runtime_error("this endpoint does not know the request " + base::in_quotes(verb));
  }
  return "null";
}

}  // namespace

void run_endpoint(const std::vector<std::string>& arguments) try {
  // Whoever reads the log may go; the endpoint has a host to leave as it was.
  (void)std::signal(SIGPIPE, SIG_IGN);
  const config::Configuration configuration = config::load_configuration(arguments);
  require_capabilities();  // before the first of the calls that need them fails
  // On the heap: large buffers are part of it.
  const auto supervisor = std::make_unique<Supervisor>(arguments, configuration);
  try {
    supervisor->run();
  } catch (const std::exception& error) {
    supervisor->save_recording(error.what());
    throw;
  }
} catch (const std::system_error& error) {
  throw std::runtime_error(error.what() + remedy_for(error.code()));
}

}  // namespace sixin4::tunnel
