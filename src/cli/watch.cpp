#include "watch.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <ctime>
#include <filesystem>
#include <iomanip>
#include <iostream>
#include <optional>
#include <sstream>
#include <string_view>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include <poll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "sixin4/base/file_descriptor.hpp"
#include "sixin4/base/number.hpp"
#include "sixin4/base/printable.hpp"
#include "sixin4/base/standard_output.hpp"
#include "sixin4/base/system_failure.hpp"
#include "sixin4/control/control_socket.hpp"

#include "live_view.hpp"
#include "screen.hpp"
#include "status_text.hpp"

namespace sixin4::cli {

namespace {

using base::ConfigurationError;
using Clock = std::chrono::steady_clock;

std::chrono::milliseconds interval_of(const std::string& text) {
  const double seconds = base::parse_number_option("interval", text, 0.1, 3600.0);
  return std::chrono::round<std::chrono::milliseconds>(std::chrono::duration<double>{seconds});
}

/// The reason why a wait ended.
enum class Wakeup : std::uint8_t { time, size_changed, stopped, end };

/// Signals and keys that end or redraw a view on a terminal.
class Wakeups {
 public:
  Wakeups();
  /// Waits for a signal or a key, at most until `due`.
  [[nodiscard]] Wakeup wait_until(Clock::time_point due);

 private:
  [[nodiscard]] static base::FileDescriptor open_signals();
  [[nodiscard]] std::optional<Wakeup> next_signal();
  [[nodiscard]] std::optional<Wakeup> next_key();

  base::FileDescriptor signals_;
  bool has_keys_;
};

base::FileDescriptor Wakeups::open_signals() {
  sigset_t signals{};
  (void)sigemptyset(&signals);
  for (const int number : {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP, SIGWINCH})
    (void)sigaddset(&signals, number);
  (void)::sigprocmask(SIG_BLOCK, &signals, nullptr);
  base::FileDescriptor fd{::signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK)};
  if (!fd) throw base::system_failure("cannot wait for signals");
  return fd;
}

Wakeups::Wakeups() : signals_(open_signals()), has_keys_(::isatty(STDIN_FILENO) == 1) {}

Wakeup Wakeups::wait_until(Clock::time_point due) {
  while (true) {
    // Polls also if `due` has passed, so that a signal or a key is not missed.
    const auto left = std::max(std::chrono::ceil<std::chrono::milliseconds>(due - Clock::now()),
                               std::chrono::milliseconds{0});
    std::array<pollfd, 2> polled{{{.fd = signals_.get(), .events = POLLIN, .revents = 0},
                                  {.fd = has_keys_ ? STDIN_FILENO : -1, .events = POLLIN, .revents = 0}}};
    if (::poll(polled.data(), polled.size(), static_cast<int>(left.count())) < 0) continue;
    if (polled[0].revents == 0 && polled[1].revents == 0 && Clock::now() >= due) return Wakeup::time;
    if (polled[0].revents != 0) {
      if (const auto wakeup = next_signal()) return *wakeup;
    }
    if (polled[1].revents != 0) {
      if (const auto wakeup = next_key()) return *wakeup;
    }
  }
}

std::optional<Wakeup> Wakeups::next_signal() {
  signalfd_siginfo info{};
  if (::read(signals_.get(), &info, sizeof info) != static_cast<ssize_t>(sizeof info)) return std::nullopt;
  if (info.ssi_signo == SIGWINCH) return Wakeup::size_changed;
  return info.ssi_signo == SIGTSTP ? Wakeup::stopped : Wakeup::end;
}

std::optional<Wakeup> Wakeups::next_key() {
  char key = 0;
  const ssize_t length = ::read(STDIN_FILENO, &key, sizeof key);
  if (length <= 0) has_keys_ = false;
  return length > 0 && (key == 'q' || key == 'Q') ? std::optional{Wakeup::end} : std::nullopt;
}

/// A look at one endpoint. Nothing: no endpoint listens at the path.
std::optional<EndpointLook> look_at(std::string name, const std::string& path) {
  try {
    constexpr std::chrono::seconds patience{1};  // a signal or a key is handled after this time at the latest
    std::string answer = control::ask(path, "show", control::Wait::for_answer, patience);
    return look_of(std::move(name), Clock::now(), std::move(answer));
  } catch (const control::NoSuchEndpoint&) {
    return std::nullopt;
  } catch (const std::exception& error) {
    return EndpointLook{.name = std::move(name), .time = Clock::now(), .silence = error.what()};
  }
}

Look look_at(const WatchPlan& plan) {
  Look look{.time = Clock::now(), .endpoints = {}};
  if (plan.endpoint) {
    auto endpoint = look_at(plan.endpoint->name, plan.endpoint->path);
    if (!endpoint) endpoint = EndpointLook{.name = plan.endpoint->name, .time = Clock::now()};
    look.endpoints.push_back(std::move(*endpoint));
    return look;
  }
  for (const std::string& path : control::control_paths()) {
    auto endpoint = look_at(std::filesystem::path{path}.stem(), path);
    if (endpoint) look.endpoints.push_back(std::move(*endpoint));
  }
  return look;
}

std::string json_of(const Look& look) {
  std::vector<std::string> statuses;
  for (const EndpointLook& endpoint : look.endpoints) {
    if (!endpoint.status.empty()) statuses.push_back(endpoint.status);
  }
  return show_json(statuses, -1);
}

std::string clock_time() {
  const std::time_t now = std::time(nullptr);
  std::tm local{};
  (void)::localtime_r(&now, &local);
  std::ostringstream text;
  text << std::put_time(&local, "%T");
  return text.str();
}

class Looks {
 public:
  explicit Looks(WatchPlan plan) : plan_(std::move(plan)) {}
  void look();
  [[nodiscard]] std::string text(std::size_t width) const;
  [[nodiscard]] std::string json() const { return json_of(looks_.back()); }

 private:
  WatchPlan plan_;
  std::vector<Look> looks_;
  std::string time_of_day_;  ///< time of day of the last look
};

void Looks::look() {
  looks_.push_back(look_at(plan_));
  time_of_day_ = clock_time();
  // At least two looks stay, because rates need two.
  while (looks_.size() > 2 && looks_.back().time - looks_.front().time > looks_kept + plan_.interval) {
    looks_.erase(looks_.begin());
  }
}

std::string Looks::text(std::size_t width) const {
  return time_of_day_ + '\n' + live_view(looks_, width);
}

/// The time of the next look. A late look does not make later ones come faster.
Clock::time_point next_after(Clock::time_point due, const WatchPlan& plan) {
  return std::max(due + plan.interval, Clock::now());
}

void watch_on_terminal(const WatchPlan& plan) {
  Looks looks{plan};
  // Before the screen, because a signal must not end the program while the screen is in use.
  Wakeups wakeups;
  Screen screen;
  const auto draw = [&] {
    const auto size = Screen::size();
    Screen::draw(cut_to_rows(looks.text(size.columns), size.rows));
  };
  for (auto due = Clock::now();;) {
    looks.look();
    draw();
    due = next_after(due, plan);
    for (Wakeup wakeup{}; (wakeup = wakeups.wait_until(due)) != Wakeup::time; draw()) {
      if (wakeup == Wakeup::end) return;
      if (wakeup == Wakeup::stopped) {
        screen.leave();
        (void)std::raise(SIGSTOP);
        screen.enter();
      }
    }
  }
}

/// A signal ends the program by its default action.
[[noreturn]] void watch_in_blocks(const WatchPlan& plan) {
  constexpr std::size_t width = 80;
  Looks looks{plan};
  std::string_view between;
  for (auto due = Clock::now();; std::this_thread::sleep_until(due = next_after(due, plan))) {
    looks.look();
    base::print(plan.json ? looks.json() : std::string{std::exchange(between, "\n")} + looks.text(width));
    base::flush_printed();
  }
}

}  // namespace

WatchPlan watch_plan_of(const base::Arguments& arguments) {
  WatchPlan plan{.endpoint = endpoint_argument(arguments), .json = arguments.has("json")};
  if (arguments.has("flows")) {
    throw ConfigurationError("command line: --flows and --watch exclude each other");
  }
  if (const auto interval = arguments.value_of("interval")) plan.interval = interval_of(*interval);
  return plan;
}

void run_watch(const WatchPlan& plan) {
  if (!plan.json && ::isatty(STDOUT_FILENO) == 1) {
    watch_on_terminal(plan);
  } else {
    watch_in_blocks(plan);
  }
}

}  // namespace sixin4::cli
