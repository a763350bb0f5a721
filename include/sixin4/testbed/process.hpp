// Child processes that do not outlive this process, and functions that run in a child and return a value.
#pragma once

#include <functional>
#include <optional>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <vector>

#include <sys/types.h>

#include "sixin4/base/file_descriptor.hpp"
#include "sixin4/testbed/clock.hpp"

namespace sixin4::testbed {

/// The receiver got other bytes than the sender sent. Other failures of a measurement are std::runtime_error.
class WrongData : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// A program is not installed, so that a second attempt would fail as well.
class NoProgram : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// Owns a child process.
class Process {
 public:
  /// Forks a child that runs `function` and exits. The kernel kills the child when this process ends
  /// (PR_SET_PDEATHSIG). Throws std::system_error.
  explicit Process(const std::function<void()>& function);
  Process(Process&& other) noexcept;
  Process& operator=(Process&& other) = delete;
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;
  /// Kills the child if it still runs.
  ~Process();

  [[nodiscard]] pid_t id() const noexcept { return id_; }
  /// Waits for the child to end. Returns its exit status, or 128 plus the number of the signal that killed
  /// it; nothing if it still runs at the deadline.
  [[nodiscard]] std::optional<int> wait_until(Clock::time_point deadline);
  /// Sends SIGTERM, and SIGKILL if the child has not ended three seconds later.
  void stop();
  /// The text of standard output and standard error, followed by the message of the exception that `function`
  /// threw.
  [[nodiscard]] std::string output() const;
  /// `output` as one line for a message.
  [[nodiscard]] std::string output_line() const;

  static constexpr int status_failed = 1;      ///< `function` threw another exception
  static constexpr int status_wrong_data = 3;  ///< `function` threw WrongData
  static constexpr int status_no_program = 4;  ///< `function` threw NoProgram

 private:
  pid_t id_ = -1;
  base::FileDescriptor pidfd_;
  base::FileDescriptor output_;
  std::optional<int> status_;
};

/// Replaces this process by `command` (execvp). Throws NoProgram if the program does not exist,
/// std::system_error if it cannot run.
[[noreturn]] void execute(const std::vector<std::string>& command);

/// Memory that this process shares with its children. Throws std::system_error.
class SharedMemory {
 public:
  explicit SharedMemory(std::size_t size);
  SharedMemory(SharedMemory&&) = delete;
  SharedMemory& operator=(SharedMemory&&) = delete;
  SharedMemory(const SharedMemory&) = delete;
  SharedMemory& operator=(const SharedMemory&) = delete;
  ~SharedMemory();
  [[nodiscard]] void* get() const noexcept { return start_; }

 private:
  void* start_;
  std::size_t size_;
};

/// Waits for `process` until the deadline. Throws WrongData, NoProgram or std::runtime_error, with `name` in
/// the message, unless it ends with exit status 0.
void expect_success(Process& process, const std::string& name, Clock::time_point deadline);

/// A function that runs in a child and returns a `Result` through shared memory. It may call `ready` when the
/// other side can start.
template <class Result>
class Job {
  static_assert(std::is_trivially_copyable_v<Result>);

 public:
  using Function = std::function<Result(const std::function<void()>& ready)>;

  Job(std::string name, const Function& function)
      : name_(std::move(name)),
        memory_(sizeof(Shared)),
        process_([this, &function] { shared().result = function([this] { shared().ready = true; }); }) {}

  /// Returns when the child has called `ready` or ended with success. Throws like `expect_success`.
  void wait_until_ready(Clock::time_point deadline) {
    while (!shared().ready) {
      if (const auto status = process_.wait_until(Clock::now() + std::chrono::milliseconds{1});
          status || Clock::now() > deadline) {
        expect_success(process_, name_, Clock::now());
        return;
      }
    }
  }

  [[nodiscard]] pid_t id() const noexcept { return process_.id(); }

  /// Waits for the child to end and returns its result. Throws like `expect_success`.
  [[nodiscard]] Result finish(Clock::time_point deadline) {
    expect_success(process_, name_, deadline);
    return shared().result;
  }

 private:
  struct Shared {
    volatile bool ready;
    Result result;
  };
  [[nodiscard]] Shared& shared() const noexcept { return *static_cast<Shared*>(memory_.get()); }

  std::string name_;
  SharedMemory memory_;
  Process process_;
};

}  // namespace sixin4::testbed
