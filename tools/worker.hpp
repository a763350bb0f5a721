// A pair of threads that carry packets, one a direction, with all that only they touch.
#pragma once

#include <atomic>
#include <mutex>
#include <optional>
#include <thread>

#include "sixin4/engine/counters.hpp"
#include "sixin4/engine/parameters.hpp"
#include "sixin4/io/raw_socket.hpp"
#include "sixin4/io/tun_device.hpp"
#include "sixin4/io/wire_sender.hpp"

#include "worker_reports.hpp"

namespace sixin4 {

/// What a thread is to use from its next batch on. Filled by the control thread, emptied by the worker.
template <typename Socket>
class WorkerMailbox {
 public:
  WorkerMailbox();

  void put(const engine::TunnelParameters& parameters, std::optional<Socket> socket);
  void stop() noexcept;

  /// What the worker polls beside its own descriptors.
  [[nodiscard]] int fd() const noexcept { return wake_.get(); }
  [[nodiscard]] bool stopped() const noexcept { return stopped_.load(std::memory_order_relaxed); }
  /// Takes what has been put since the last time, if anything has. Says whether there was a new socket.
  bool take(engine::TunnelParameters& parameters, Socket& socket);

 private:
  void wake() noexcept;

  io::FileDescriptor wake_;
  std::atomic<bool> stopped_ = false;
  std::atomic<bool> filled_ = false;
  std::mutex mutex_;
  engine::TunnelParameters parameters_;
  std::optional<Socket> socket_;
};

/// The sockets of one pair. Nothing stands for those that it has.
struct WorkerSockets {
  std::optional<io::RawReceiver> receiver;
  std::optional<io::WireSender> sender;
};

/// Runs from its construction to its destruction.
class Worker {
 public:
  /// `tun` and `reports` outlive the worker; `sockets` has both.
  Worker(const io::TunDevice& tun, const engine::Share& share, WorkerReports& reports,
         const engine::TunnelParameters& parameters, WorkerSockets sockets);
  ~Worker();
  Worker(Worker&&) = delete;
  Worker& operator=(Worker&&) = delete;
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  /// From the next batch on.
  void reconfigure(const engine::TunnelParameters& parameters, WorkerSockets sockets);

  [[nodiscard]] const engine::DirectionCounters& out() const noexcept { return out_; }
  [[nodiscard]] const engine::DirectionCounters& in() const noexcept { return in_; }
  [[nodiscard]] engine::Time last_heard() const noexcept { return last_heard_.get(); }

 private:
  void run_outbound(engine::TunnelParameters parameters, io::WireSender sender);
  void run_inbound(engine::TunnelParameters parameters, io::RawReceiver receiver);

  const io::TunDevice& tun_;
  const engine::Share share_;
  WorkerReports& reports_;
  engine::DirectionCounters out_;
  engine::DirectionCounters in_;
  engine::LastTime last_heard_;
  WorkerMailbox<io::WireSender> outbound_mail_;
  WorkerMailbox<io::RawReceiver> inbound_mail_;
  std::thread outbound_;
  std::thread inbound_;
};

}  // namespace sixin4
