// A worker: a pair of threads that carry the packets of one tun queue, one thread for each direction.
#pragma once

#include <memory>
#include <optional>
#include <thread>

#include "sixin4/capture/live_tap.hpp"
#include "sixin4/capture/recorder.hpp"
#include "sixin4/datapath/watchers.hpp"
#include "sixin4/datapath/worker_mailbox.hpp"
#include "sixin4/datapath/worker_reports.hpp"
#include "sixin4/engine/counters.hpp"
#include "sixin4/engine/parameters.hpp"
#include "sixin4/io/raw_socket.hpp"
#include "sixin4/io/tun_device.hpp"
#include "sixin4/io/wire_sender.hpp"

namespace sixin4::datapath {

/// The sockets of one worker. In a change, an empty optional means: keep the current socket.
struct WorkerSockets {
  std::optional<io::RawReceiver> receiver;
  std::optional<io::WireSender> sender;
};

/// The flight recorders of one worker, one for each thread.
struct WorkerRecorders {
  std::shared_ptr<capture::Recorder> outbound;
  std::shared_ptr<capture::Recorder> inbound;
};

/// The taps of one capture in one worker, one for each thread.
struct WorkerTaps {
  std::shared_ptr<capture::LiveTap> outbound;
  std::shared_ptr<capture::LiveTap> inbound;
};

/// Both threads run from the construction to the destruction. All methods are for the control thread. A
/// change takes effect at the next turn of each thread.
class Worker {
 public:
  /// `tun` and `reports` must outlive the worker. `sockets` must have both sockets. `share` is this worker's
  /// part of the flows. Throws std::system_error if a thread cannot be started.
  Worker(const io::TunDevice& tun, const engine::Share& share, WorkerReports& reports,
         const engine::TunnelParameters& parameters, WorkerSockets sockets, const WorkerRecorders& recorders);
  ~Worker();
  Worker(Worker&&) = delete;
  Worker& operator=(Worker&&) = delete;
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  void reconfigure(const engine::TunnelParameters& parameters, WorkerSockets sockets);
  /// Replaces the flight recorders.
  void record(const WorkerRecorders& recorders);
  /// Adds the taps of a capture. A thread drops its tap once the caller has released it.
  void capture(const WorkerTaps& taps);

  /// The counters since the construction. The threads go on writing them.
  [[nodiscard]] const engine::DirectionCounters& out() const noexcept { return out_; }
  [[nodiscard]] const engine::DirectionCounters& in() const noexcept { return in_; }
  /// The time of the last packet from the far end. The clock's epoch: none since the receiver was opened.
  [[nodiscard]] engine::Time last_heard() const noexcept { return last_heard_.get(); }

 private:
  void run_outbound(engine::TunnelParameters parameters, io::WireSender sender, Watchers watchers);
  void run_inbound(engine::TunnelParameters parameters, io::RawReceiver receiver, Watchers watchers);

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

}  // namespace sixin4::datapath
