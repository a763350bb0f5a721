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
#include "sixin4/netlink/netlink_monitor.hpp"
#include "sixin4/wire/address_text.hpp"

#include "capabilities.hpp"
#include "crash.hpp"
#include "flight_recorder.hpp"
#include "follow_delay.hpp"
#include "host_name.hpp"
#include "log_text.hpp"
#include "remedy.hpp"
#include "sender_monitors.hpp"
#include "service_manager.hpp"
#include "tunnel.hpp"
#include "warnings.hpp"

namespace sixin4::tunnel {

namespace {

using base::LogLevel;
using Clock = std::chrono::steady_clock;

/// Blocks the signals that stop, reload or report, in this thread and in the threads that it starts. They
/// become readable events of the descriptor instead. Throws std::system_error.
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

class Supervisor;

// NOLINTNEXTLINE(cppcoreguidelines-avoid-non-const-global-variables): a crash handler has no other argument
Supervisor* running = nullptr;

void save_last_packets(int signal);

/// The control thread of an endpoint: signals, control socket, announcements of the kernel, timers.
class Supervisor {
 public:
  Supervisor(const std::vector<std::string>& arguments, const config::Configuration& configuration)
      : arguments_(arguments),
        log_(configuration.log_level),
        server_(configuration.control.empty() ? control::control_path(configuration.interface)
                                              : configuration.control),
        first_remote_(resolve_ipv4(configuration.remote)),
        signals_(open_signals()),
        tunnel_(configuration, first_remote_, sender_monitors_.unwatched(), log_) {
    running = this;
    on_crash(save_last_packets);
  }
  ~Supervisor() { running = nullptr; }
  Supervisor(Supervisor&&) = delete;
  Supervisor& operator=(Supervisor&&) = delete;
  Supervisor(const Supervisor&) = delete;
  Supervisor& operator=(const Supervisor&) = delete;

  /// Returns once a signal or a client has asked for the end. Throws std::system_error if the interface is
  /// deleted.
  void run();
  /// Writes the packets of the flight recorders to a file, and its path to the log. The log line begins with
  /// `why`.
  void save_recording(const std::string& why) noexcept;

 private:
  /// A descriptor, and the function that is called while it is readable. poll(2) skips a descriptor of -1.
  struct Event {
    int fd;
    void (*handle)(Supervisor&);
  };

  void announce_start();
  void handle_events();
  [[nodiscard]] int wait_ms() const;
  [[noreturn]] void end_without_interface() const;
  [[nodiscard]] int sender_fd(std::size_t monitor) const noexcept;
  void drain_sender_monitors();
  void handle_signals();
  void reload();
  [[nodiscard]] control::Answer answer(std::string_view request);
  [[nodiscard]] control::Answer begin_capture(std::uint32_t snap_length);
  [[nodiscard]] control::Answer last_packets();

  const std::vector<std::string>& arguments_;
  base::Log log_;
  bool stopping_ = false;
  FollowDelay host_changes_;
  FollowDelay sender_changes_;

  // The server is declared before the tunnel and so destroyed after it: `sixin4 down` waits for this socket
  // to close, and the interface is gone by then.
  control::ControlServer server_;
  netlink::NetlinkMonitor monitor_{netlink::Subject::configuration};
  wire::Ipv4Address first_remote_;
  // After `first_remote_`, so that a signal ends the program while the host name is resolved.
  base::FileDescriptor signals_;
  SenderMonitors sender_monitors_;  // before the tunnel, so that no change after its first choice is missed
  Tunnel tunnel_;
};

void Supervisor::run() {
  announce_start();
  tunnel_.follow_sender();  // the neighbour or a firewall may have changed since the constructor looked
  while (!stopping_) handle_events();
  notify_service_manager("STOPPING=1");
}

void Supervisor::announce_start() {
  warn_of_surprises(tunnel_.configuration(), tunnel_.ends().remote, log_);
  std::cerr << "ready: " << base::printable(tunnel_.configuration().interface) << ' '
            << to_string(tunnel_.ends().local) << " > " << to_string(tunnel_.ends().remote) << " mtu "
            << tunnel_.mtu() << std::endl;
  notify_service_manager("READY=1");
}

/// One turn: waits for an event or the next timer, then
/// 1. takes news of the path, the far end and the host,
/// 2. handles signals,
/// 3. follows announced changes and runs the jobs that are due,
/// 4. answers clients, which therefore see the state after all changes.
void Supervisor::handle_events() {
  const std::array events{
      Event{tunnel_.gone_fd(), [](Supervisor& self) { self.end_without_interface(); }},
      Event{tunnel_.reports_fd(), [](Supervisor& self) { self.tunnel_.take_reports(); }},
      Event{tunnel_.echo_fd(), [](Supervisor& self) { self.tunnel_.take_echoes(); }},
      Event{sender_fd(0), [](Supervisor& self) { self.drain_sender_monitors(); }},
      Event{sender_fd(1), [](Supervisor& self) { self.drain_sender_monitors(); }},
      Event{sender_fd(2), [](Supervisor& self) { self.drain_sender_monitors(); }},
      Event{monitor_.fd(),
            [](Supervisor& self) {
              if (self.monitor_.drain()) self.host_changes_.announce();
            }},
      Event{signals_.get(), [](Supervisor& self) { self.handle_signals(); }},
  };
  static_assert(SenderMonitors::count == 3);

  std::array<pollfd, events.size() + 1> polled{};
  for (std::size_t i = 0; i < events.size(); ++i)
    polled.at(i) = {.fd = events.at(i).fd, .events = POLLIN, .revents = 0};
  polled.back() = {.fd = server_.fd(), .events = POLLIN, .revents = 0};
  if (::poll(polled.data(), polled.size(), wait_ms()) < 0 && errno != EINTR) {
    throw base::system_failure("cannot wait for events");
  }
  for (std::size_t i = 0; i < events.size(); ++i) {
    if (polled.at(i).revents != 0) events.at(i).handle(*this);
  }
  if (sender_changes_.take()) tunnel_.follow_sender();
  tunnel_.pass_time();
  if (host_changes_.take()) tunnel_.follow_host();
  if (polled.back().revents != 0) {
    server_.serve([this](std::string_view request) { return answer(request); });
  }
}

/// Milliseconds until the next timer, for poll(2); -1: no timer runs.
int Supervisor::wait_ms() const {
  auto next = tunnel_.next_due();
  for (const auto& due : {host_changes_.due(), sender_changes_.due()}) {
    if (due) next = next ? std::min(*next, *due) : *due;
  }
  if (!next) return -1;
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(*next - Clock::now());
  return static_cast<int>(std::clamp<std::int64_t>(left.count(), 0, std::numeric_limits<int>::max()));
}

void Supervisor::end_without_interface() const {
  throw base::system_failure(
      "interface " + tunnel_.configuration().interface + " was deleted by another program", ENODEV);
}

/// -1 with `wire = raw`, because nothing depends on the monitors then. Their sockets may overflow meanwhile;
/// an overflow counts as an announcement once they are polled again.
int Supervisor::sender_fd(std::size_t monitor) const noexcept {
  return tunnel_.configuration().wire == config::Wire::raw ? -1 : sender_monitors_.fd(monitor);
}

void Supervisor::drain_sender_monitors() {
  for (std::size_t i = 0; i < SenderMonitors::count; ++i) {
    if (sender_monitors_.drain(i)) sender_changes_.announce();
  }
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
                     std::string{"reload failed, the old configuration stays in force: "} + error.what());
        }
        break;
      case SIGUSR1:
        base::Log::answer(counters_line(tunnel_.status()));
        break;
      case SIGUSR2:
        save_recording("SIGUSR2");
        break;
      default:
        break;
    }
  }
}

void Supervisor::reload() {
  const config::Configuration fresh = config::load_configuration(arguments_);
  const config::Configuration& former = tunnel_.configuration();
  const char* unchangeable = fresh.interface != former.interface ? "interface"
                             : fresh.control != former.control   ? "control"
                             : fresh.queues != former.queues     ? "queues"
                             : fresh.flows != former.flows       ? "flows"
                                                                 : nullptr;
  if (unchangeable != nullptr) {
    throw base::ConfigurationError(std::string{unchangeable} +
                                   ": cannot change while the endpoint runs; stop and start it");
  }
  tunnel_.reconfigure(fresh, resolve_ipv4(fresh.remote));
  log_.set_level(fresh.log_level);
  log_.write(LogLevel::info, "reload", "reloaded the configuration");
  warn_of_surprises(tunnel_.configuration(), tunnel_.ends().remote, log_);
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

control::Answer Supervisor::answer(std::string_view request) {
  if (request == "show") return {.result = control::to_json(tunnel_.status())};
  if (const auto query = control::explain_query_of(request)) {
    return {.result = control::to_json(tunnel_.explain(*query))};
  }
  if (const auto first = control::first_flow_of(request)) {
    return {.result = control::to_json(tunnel_.flows(*first))};
  }
  if (const auto snap_length = control::snap_length_of(request)) return begin_capture(*snap_length);
  if (request == control::recorder_request) return last_packets();
  if (request == "reload") {
    reload();
    return control::Answer::nothing();
  }
  if (request == "down") {
    stopping_ = true;
    return control::Answer::nothing();
  }
  throw std::runtime_error("this endpoint does not know the request " + base::in_quotes(request));
}

control::Answer Supervisor::begin_capture(std::uint32_t snap_length) {
  control::Answer answer{.result = control::capture_answer(tunnel_.configuration().interface)};
  answer.begin = [this, snap_length] {
    datapath::LiveCapture capture = tunnel_.capture(snap_length);
    return control::Lasting{.descriptors = std::move(capture.rings), .held = std::move(capture.lifetime)};
  };
  return answer;
}

control::Answer Supervisor::last_packets() {
  if (tunnel_.configuration().recorder == 0) throw std::runtime_error("the flight recorder is off");
  control::Answer answer{.result = control::capture_answer(tunnel_.configuration().interface)};
  answer.descriptors.push_back(ring_of(tunnel_.recorded()));
  return answer;
}

}  // namespace

void run_endpoint(const std::vector<std::string>& arguments) try {
  // If the reader of the log ends, the endpoint must go on, because only a regular end restores the host.
  (void)std::signal(SIGPIPE, SIG_IGN);
  const config::Configuration configuration = config::load_configuration(arguments);
  require_capabilities();  // its message says more than the error of the first forbidden call
  // On the heap because it contains large buffers.
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
