#include "crash.hpp"

#include <array>
#include <cerrno>
#include <csignal>
#include <cstddef>

#include <sys/wait.h>
#include <unistd.h>

namespace sixin4::tunnel {

namespace {

constexpr std::array signals{SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT};
// The copy may wait for ever for a lock that was held at the crash, by the crashed thread or by a thread that
// is not in the copy.
constexpr unsigned copy_timeout_s = 5;

// NOLINTBEGIN(cppcoreguidelines-avoid-non-const-global-variables): a signal handler has no other argument
CrashAction crash_action = nullptr;
std::array<struct sigaction, signals.size()> former{};
// NOLINTEND(cppcoreguidelines-avoid-non-const-global-variables)

/// Uses _Fork(3), which runs no handlers of pthread_atfork(3): they would wait for locks that this thread may
/// hold.
void crash(int signal) {
  // First restore the former handlers: a second crash, in any thread, is not handled.
  for (std::size_t i = 0; i < signals.size(); ++i) (void)::sigaction(signals.at(i), &former.at(i), nullptr);
  const pid_t copy = ::_Fork();
  if (copy == 0) {
    (void)::alarm(copy_timeout_s);
    crash_action(signal);
    ::_exit(0);
  }
  while (copy > 0 && ::waitpid(copy, nullptr, 0) < 0 && errno == EINTR) continue;
  (void)std::raise(signal);
}

}  // namespace

void on_crash(CrashAction action) {
  crash_action = action;
  struct sigaction handler {};
  handler.sa_handler = crash;
  for (std::size_t i = 0; i < signals.size(); ++i) (void)::sigaction(signals.at(i), &handler, &former.at(i));
}

}  // namespace sixin4::tunnel
