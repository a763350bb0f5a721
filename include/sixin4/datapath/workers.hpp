// The workers of an endpoint, one for each queue of the tun device, with their sockets and recorders.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "sixin4/base/file_descriptor.hpp"
#include "sixin4/capture/recorder.hpp"
#include "sixin4/datapath/worker.hpp"
#include "sixin4/datapath/worker_reports.hpp"
#include "sixin4/engine/counters.hpp"
#include "sixin4/engine/parameters.hpp"
#include "sixin4/io/features.hpp"
#include "sixin4/io/tun_device.hpp"
#include "sixin4/io/wire_ends.hpp"

namespace sixin4::datapath {

/// A capture of all packets of all workers.
struct LiveCapture {
  std::vector<base::FileDescriptor> rings;  ///< shared memory, each for one capture::RingReader
  std::shared_ptr<void> lifetime;           ///< the capture ends when the last copy is released
};

/// The flight recorders of all workers.
struct Recorders {
  std::uint32_t packets = 0;  ///< that each recorder keeps
  std::vector<WorkerRecorders> workers;
};

/// All threads run from the construction to the destruction. The methods are for the control thread. A change
/// takes effect at the next turn of each worker thread.
class Workers {
 public:
  /// Starts a worker for each of `queues`, which must outlive the workers. `recorder` is the number of
  /// packets that each flight recorder keeps. Throws std::system_error if a socket cannot be opened, a thread
  /// cannot be started, or there is no memory for the recorders.
  Workers(std::span<const io::TunDevice> queues, const engine::TunnelParameters& parameters,
          const io::WireEnds& ends, const std::optional<io::NextHop>& next_hop, std::uint32_t recorder);

  /// Changes the parameters and keeps all sockets. The next call with ends opens all sockets again, because
  /// the links that the current sockets are bound to may have been replaced by then.
  void reconfigure(const engine::TunnelParameters& parameters);
  /// Changes the parameters, and opens new sockets if the ends or the next hop differ. Throws
  /// std::system_error if a socket cannot be opened; nothing has changed then.
  void reconfigure(const engine::TunnelParameters& parameters, const io::WireEnds& ends,
                   const std::optional<io::NextHop>& next_hop);

  [[nodiscard]] WorkerReports& reports() noexcept { return reports_; }

  /// Starts a capture that keeps at most `snap_length` bytes of a packet. Throws std::runtime_error if the
  /// captures under way use up the memory for captures, and std::system_error if the host has no memory.
  [[nodiscard]] LiveCapture capture(std::uint32_t snap_length);
  /// Returns the current recorders if the size is unchanged, else new empty ones. Throws std::system_error if
  /// there is no memory for them.
  [[nodiscard]] Recorders recorders_for(std::uint32_t packets) const;
  /// Replaces the recorders. `recorders` comes from `recorders_for`.
  void record(Recorders recorders);
  /// The last packets of all workers, the oldest first.
  [[nodiscard]] std::vector<capture::Recorded> recorded() const;

  /// The kernel services of the sockets, less the offloads that workers have given up.
  [[nodiscard]] io::Features features() const;
  /// The sums over all workers.
  [[nodiscard]] engine::DirectionTotals out() const noexcept;
  [[nodiscard]] engine::DirectionTotals in() const noexcept;
  /// The latest of all workers.
  [[nodiscard]] engine::Time last_heard() const noexcept;

 private:
  void note_features(const std::vector<WorkerSockets>& sockets);

  std::optional<io::WireEnds> ends_;  ///< nullopt: the next call with ends opens all sockets again
  std::optional<io::NextHop> next_hop_;
  WorkerReports reports_;
  Recorders recorders_;
  io::Features receiver_features_;
  io::Features sender_features_;
  std::vector<std::unique_ptr<Worker>> workers_;
  struct RunningCapture {
    std::weak_ptr<void> lifetime;
    std::size_t memory = 0;  ///< bytes of all its rings
  };
  std::vector<RunningCapture> captures_;
};

}  // namespace sixin4::datapath
