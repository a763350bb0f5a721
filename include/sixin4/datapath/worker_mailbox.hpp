// Hands settings, sockets, recorders and taps from the control thread to one worker thread.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

#include <sys/eventfd.h>

#include "sixin4/base/file_descriptor.hpp"
#include "sixin4/capture/live_tap.hpp"
#include "sixin4/capture/recorder.hpp"
#include "sixin4/datapath/watchers.hpp"
#include "sixin4/datapath/worker_reports.hpp"
#include "sixin4/engine/parameters.hpp"

namespace sixin4::datapath {

/// The control thread calls `put` and `stop`. The worker calls `stopped` and `take`, then polls `fd`. `fd` is
/// readable while there is mail that was not taken, and for ever after `stop`. Therefore the poll also
/// returns if `put` or `stop` is called between `take` and the poll.
///
/// The mail and the eventfd(2) change together under the lock: `put` stores the mail and writes the eventfd,
/// `take` removes the mail and reads the eventfd. If `put` wrote the eventfd without the lock, a `take` could
/// come between; the eventfd would then stay readable without mail, and the worker would spin. `stop` sets
/// `stopped` before it writes the eventfd, under the same lock. After that `take` does not read the eventfd.
template <typename Socket>
class WorkerMailbox {
 public:
  /// Throws std::system_error.
  WorkerMailbox() : wake_(open_event()) {}

  /// nullopt: the worker keeps its socket.
  void put(const engine::TunnelParameters& parameters, std::optional<Socket> socket) {
    const std::lock_guard lock{mutex_};
    parameters_ = parameters;
    if (socket) socket_ = std::move(socket);
    fill();
  }
  void put(std::shared_ptr<capture::Recorder> recorder) {
    const std::lock_guard lock{mutex_};
    recorder_ = std::move(recorder);
    fill();
  }
  void put(const std::weak_ptr<capture::LiveTap>& tap) {
    const std::lock_guard lock{mutex_};
    taps_.push_back(tap);
    fill();
  }
  void stop() noexcept {
    const std::lock_guard lock{mutex_};
    stopped_.store(true, std::memory_order_release);
    wake();
  }

  /// The eventfd that the worker polls with its own descriptor.
  [[nodiscard]] int fd() const noexcept { return wake_.get(); }
  [[nodiscard]] bool stopped() const noexcept { return stopped_.load(std::memory_order_acquire); }

  /// Moves the mail since the last call into the arguments; an argument without mail stays unchanged.
  /// Returns true if the mail had a socket.
  bool take(engine::TunnelParameters& parameters, Socket& socket, Watchers& watchers) {
    if (!filled_.load(std::memory_order_relaxed)) return false;
    const std::lock_guard lock{mutex_};
    filled_.store(false, std::memory_order_relaxed);
    eventfd_t ignored = 0;
    if (!stopped()) (void)::eventfd_read(wake_.get(), &ignored);
    if (parameters_) parameters = *parameters_;
    if (recorder_) watchers.use(std::exchange(recorder_, nullptr));
    for (const auto& tap : taps_) watchers.add(tap);
    taps_.clear();
    if (!socket_) return false;
    socket = std::move(*socket_);
    socket_.reset();
    return true;
  }

 private:
  void fill() noexcept {
    filled_.store(true, std::memory_order_relaxed);
    wake();
  }
  void wake() noexcept { (void)::eventfd_write(wake_.get(), 1); }

  base::FileDescriptor wake_;
  std::atomic<bool> stopped_ = false;
  std::atomic<bool> filled_ = false;  ///< lets `take` return without the lock, once a turn
  std::mutex mutex_;
  std::optional<engine::TunnelParameters> parameters_;
  std::optional<Socket> socket_;
  std::shared_ptr<capture::Recorder> recorder_;
  std::vector<std::weak_ptr<capture::LiveTap>> taps_;
};

}  // namespace sixin4::datapath
