// Child processes that never outlive this one, and functions that run in a child and give their result back.
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

/// What arrived is not what was sent. All other failures of a measurement are std::runtime_error.
class WrongData : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// A program that this host does not have, and will not have a moment later either.
class NoProgram : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

class Process {
 public:
  /// `act` runs in the child, which ends with it. The kernel kills the child when this process ends, in
  /// whatever way.
  explicit Process(const std::function<void()>& act);
  Process(Process&& other) noexcept;
  Process& operator=(Process&& other) = delete;
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;
  /// Kills the child where it still runs.
  ~Process();

  [[nodiscard]] pid_t id() const noexcept { return id_; }
  /// The exit status, 128 more than the signal's number where one ended it; nothing while it runs on.
  [[nodiscard]] std::optional<int> wait_until(Clock::time_point deadline);
  /// Asks the child to end; one that does not is killed.
  void stop();
  /// What the child has written to standard output and standard error, and the text of what `act` threw.
  [[nodiscard]] std::string output() const;
  /// The same in one line, for a message.
  [[nodiscard]] std::string complaint() const;

  static constexpr int status_failed = 1;      ///< `act` threw
  static constexpr int status_wrong_data = 3;  ///< it threw WrongData
  static constexpr int status_no_program = 4;  ///< it threw NoProgram

 private:
  pid_t id_ = -1;
  base::FileDescriptor ended_;
  base::FileDescriptor output_;
  std::optional<int> status_;
};

/// Becomes `command`; throws NoProgram where there is none.
[[noreturn]] void execute(const std::vector<std::string>& command);

/// Memory that a child shares with its parent.
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

/// Throws WrongData, NoProgram or std::runtime_error where `process`, called `name`, has not ended well by
/// the deadline.
void expect_success(Process& process, const std::string& name, Clock::time_point deadline);

/// A function that runs in a child. It is handed something to call when it is ready for its counterpart.
template <class Result>
class Job {
  static_assert(std::is_trivially_copyable_v<Result>);

 public:
  using Act = std::function<Result(const std::function<void()>& ready)>;

  Job(std::string name, const Act& act)
      : name_(std::move(name)),
        memory_(sizeof(Shared)),
        process_([this, &act] { shared().result = act([this] { shared().ready = true; }); }) {}

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
