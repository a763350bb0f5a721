// A tunnel endpoint's data path: worker pairs between the queues of a tun device and the IPv4 side.
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

/// A capture of all that the workers carry.
struct LiveCapture {
  std::vector<base::FileDescriptor> rings;  ///< memory that packets are put into, for a RingReader each
  std::shared_ptr<void> lasting;            ///< ends with this
};

/// The flight recorders of all workers, for so many packets each.
struct Recorders {
  std::uint32_t packets = 0;
  std::vector<WorkerRecorders> of_workers;
};

/// Runs from its construction to its destruction.
class Workers {
 public:
  /// A worker pair for each of `queues`, which outlive the endpoint, with flight recorders for so many
  /// packets. Throws std::system_error where the sockets cannot be had.
  Workers(std::span<const io::TunDevice> queues, const engine::TunnelParameters& parameters,
          const io::WireEnds& ends, const std::optional<io::NextHop>& next_hop, std::uint32_t recorder);

  /// From the next batch on, without a new socket. The next call with ends opens all sockets anew, because
  /// the links that the old ones are bound to may be others by then.
  void reconfigure(const engine::TunnelParameters& parameters);
  /// From the next batch on. Opens new sockets where the ends or the next hop differ; throws
  /// std::system_error, nothing changed then, where they cannot be had.
  void reconfigure(const engine::TunnelParameters& parameters, const io::WireEnds& ends,
                   const std::optional<io::NextHop>& next_hop);

  [[nodiscard]] WorkerReports& reports() noexcept { return reports_; }

  /// Throws std::runtime_error where the captures that there are have the memory that captures may have, and
  /// std::system_error where the host has none.
  [[nodiscard]] LiveCapture capture(std::uint32_t snap_length);
  /// Those that there are, or new ones, which know nothing of before. Throws std::system_error where there is
  /// no memory for them.
  [[nodiscard]] Recorders make_recorders(std::uint32_t packets) const;
  /// From the next batch on.
  void record(Recorders recorders);
  /// The last packets of all workers, the oldest first.
  [[nodiscard]] std::vector<capture::Recorded> recorded() const;

  /// Of the sockets, and what the workers have given up since.
  [[nodiscard]] io::Features features() const;
  [[nodiscard]] engine::DirectionTotals out() const noexcept;
  [[nodiscard]] engine::DirectionTotals in() const noexcept;
  [[nodiscard]] engine::Time last_heard() const noexcept;

 private:
  void note_features(const std::vector<WorkerSockets>& sockets);

  std::optional<io::WireEnds> ends_;  ///< nothing: all sockets are to be opened anew
  std::optional<io::NextHop> next_hop_;
  WorkerReports reports_;
  Recorders recorders_;
  io::Features receiving_;
  io::Features sending_;
  std::vector<std::unique_ptr<Worker>> workers_;
  struct Running {
    std::weak_ptr<void> capture;
    std::size_t memory = 0;
  };
  std::vector<Running> captures_;
};

}  // namespace sixin4::datapath
