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
// A thread that is not in the copy, or the dying one itself, may hold a lock that the copy waits for.
constexpr unsigned seconds_of_a_copy = 5;

// NOLINTBEGIN(cppcoreguidelines-avoid-non-const-global-variables): a signal handler reaches nothing else
LastWords last_words_of_all = nullptr;
std::array<struct sigaction, signals.size()> former{};
// NOLINTEND(cppcoreguidelines-avoid-non-const-global-variables)

/// By _Fork(3), which runs no handlers: this thread may be in the middle of what they would wait for.
void crash(int signal) {
  // The next crash, of another thread too, is nobody's any more.
  for (std::size_t i = 0; i < signals.size(); ++i) (void)::sigaction(signals.at(i), &former.at(i), nullptr);
  const pid_t copy = ::_Fork();
  if (copy == 0) {
    (void)::alarm(seconds_of_a_copy);
    last_words_of_all(signal);
    ::_exit(0);
  }
  while (copy > 0 && ::waitpid(copy, nullptr, 0) < 0 && errno == EINTR) continue;
  (void)std::raise(signal);
}

}  // namespace

void on_crash(LastWords last_words) {
  last_words_of_all = last_words;
  struct sigaction action {};
  action.sa_handler = crash;
  for (std::size_t i = 0; i < signals.size(); ++i) (void)::sigaction(signals.at(i), &action, &former.at(i));
}

}  // namespace sixin4::tunnel
