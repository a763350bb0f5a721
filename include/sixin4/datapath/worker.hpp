// A pair of threads that carry packets, one a direction, with all that only they touch.
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

/// The sockets of one pair. Nothing stands for those that it has.
struct WorkerSockets {
  std::optional<io::RawReceiver> receiver;
  std::optional<io::WireSender> sender;
};

/// One of something for each of a pair's threads.
template <typename Each>
struct OfBoth {
  std::shared_ptr<Each> outbound;
  std::shared_ptr<Each> inbound;
};
using WorkerRecorders = OfBoth<capture::Recorder>;
using WorkerTaps = OfBoth<capture::LiveTap>;

/// Runs from its construction to its destruction.
class Worker {
 public:
  /// `tun` and `reports` outlive the worker; `sockets` has both.
  Worker(const io::TunDevice& tun, const engine::Share& share, WorkerReports& reports,
         const engine::TunnelParameters& parameters, WorkerSockets sockets, const WorkerRecorders& recorders);
  ~Worker();
  Worker(Worker&&) = delete;
  Worker& operator=(Worker&&) = delete;
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  /// From the next batch on.
  void reconfigure(const engine::TunnelParameters& parameters, WorkerSockets sockets);
  void record(const WorkerRecorders& recorders);
  /// Until nobody else has the taps any more.
  void capture(const WorkerTaps& taps);

  [[nodiscard]] const engine::DirectionCounters& out() const noexcept { return out_; }
  [[nodiscard]] const engine::DirectionCounters& in() const noexcept { return in_; }
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
