// fork(2), exec, pidfds, and exceptions that cross from a child to its parent as exit statuses.
#include "sixin4/testbed/process.hpp"

#include <array>
#include <cerrno>
#include <csignal>
#include <sstream>
#include <utility>

#include <poll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sixin4/base/system_failure.hpp"

namespace sixin4::testbed {

namespace {

void write_text(int fd, const std::string& text) {
  [[maybe_unused]] const auto written = ::write(fd, text.data(), text.size());
}

[[noreturn]] void run_child(const std::function<void()>& function, int output, pid_t parent) {
  int status = 0;
  try {
    if (::prctl(PR_SET_PDEATHSIG, SIGKILL) != 0)
      throw base::system_failure("cannot bind a child to the life of its parent (prctl)");
    // A parent that ended before the prctl sends no signal.
    if (::getppid() != parent) ::_exit(Process::status_failed);
    if (::dup2(output, STDOUT_FILENO) < 0 || ::dup2(output, STDERR_FILENO) < 0) {
      throw base::system_failure("cannot redirect the output (dup2)");
    }
    function();
  } catch (const WrongData& error) {
    write_text(output, error.what());
    status = Process::status_wrong_data;
  } catch (const NoProgram& error) {
    write_text(output, error.what());
    status = Process::status_no_program;
  } catch (const std::exception& error) {
    write_text(output, error.what());
    status = Process::status_failed;
  }
  ::_exit(status);
}

}  // namespace

Process::Process(const std::function<void()>& function) : output_(::memfd_create("output", MFD_CLOEXEC)) {
  if (!output_) throw base::system_failure("cannot create a file for the output of a child (memfd_create)");
  const pid_t parent = ::getpid();
  id_ = ::fork();
  if (id_ < 0) throw base::system_failure("cannot start a process (fork)");
  if (id_ == 0) run_child(function, output_.get(), parent);
  // syscall(2), because <sys/pidfd.h> of glibc 2.36 does not declare pidfd_open extern "C".
  pidfd_ = base::FileDescriptor{static_cast<int>(::syscall(SYS_pidfd_open, id_, 0))};
  if (!pidfd_) {
    const int error = errno;
    ::kill(id_, SIGKILL);
    ::waitpid(id_, nullptr, 0);
    throw base::system_failure("cannot watch a process (pidfd_open); needs Linux 5.3", error);
  }
}

Process::Process(Process&& other) noexcept
    : id_(std::exchange(other.id_, -1)),
      pidfd_(std::move(other.pidfd_)),
      output_(std::move(other.output_)),
      status_(other.status_) {}

Process::~Process() {
  if (id_ < 0 || status_) return;
  ::kill(id_, SIGKILL);
  ::waitpid(id_, nullptr, 0);
}

std::optional<int> Process::wait_until(Clock::time_point deadline) {
  if (status_) return status_;
  pollfd polled{.fd = pidfd_.get(), .events = POLLIN, .revents = 0};
  if (::poll(&polled, 1, poll_timeout(deadline)) <= 0) return std::nullopt;
  int status = 0;
  if (::waitpid(id_, &status, 0) != id_) throw base::system_failure("cannot wait for a process (waitpid)");
  status_ = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  return status_;
}

void Process::stop() {
  constexpr std::chrono::seconds grace_period{3};
  if (status_) return;
  ::kill(id_, SIGTERM);
  if (wait_until(Clock::now() + grace_period)) return;
  ::kill(id_, SIGKILL);
  (void)wait_until(Clock::now() + grace_period);
}

std::string Process::output() const {
  std::string text;
  std::array<char, 4096> part{};
  ssize_t length = 0;
  while ((length = ::pread(output_.get(), part.data(), part.size(), static_cast<off_t>(text.size()))) > 0) {
    text.append(part.data(), static_cast<std::size_t>(length));
  }
  return text;
}

std::string Process::output_line() const {
  std::string line;
  std::istringstream lines{output()};
  for (std::string part; std::getline(lines, part);) line += (line.empty() ? "" : "; ") + part;
  return line.empty() ? "no output" : line;
}

void execute(const std::vector<std::string>& command) {
  std::vector<char*> arguments;
  arguments.reserve(command.size() + 1);
  for (const std::string& word : command) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  ::execvp(arguments.front(), arguments.data());
  const std::string message = "cannot run " + command.front();
  if (errno == ENOENT) throw NoProgram(base::system_failure(message + "; install it").what());
  throw base::system_failure(message);
}

SharedMemory::SharedMemory(std::size_t size)
    : start_(::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0)), size_(size) {
  if (start_ == MAP_FAILED) throw base::system_failure("cannot share memory with a child (mmap)");
}

SharedMemory::~SharedMemory() {
  ::munmap(start_, size_);
}

void expect_success(Process& process, const std::string& name, Clock::time_point deadline) {
  const auto status = process.wait_until(deadline);
  if (!status) throw std::runtime_error(name + " did not end in time");
  if (*status == 0) return;
  if (*status == Process::status_wrong_data) throw WrongData(name + ": " + process.output_line());
  if (*status == Process::status_no_program) throw NoProgram(name + ": " + process.output_line());
  throw std::runtime_error(name + ": " + process.output_line() + " (exit status " + std::to_string(*status) +
                           ')');
}

}  // namespace sixin4::testbed
