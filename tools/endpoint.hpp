// A tunnel endpoint's data path: the engine between a tun device and the IPv4 side, one thread a direction.
#pragma once

#include <atomic>
#include <mutex>
#include <optional>
#include <thread>

#include "sixin4/engine/counters.hpp"
#include "sixin4/engine/parameters.hpp"
#include "sixin4/io/raw_socket.hpp"
#include "sixin4/io/tun_device.hpp"
#include "sixin4/io/wire_ends.hpp"
#include "sixin4/io/wire_sender.hpp"

namespace sixin4 {

/// What a worker is to use from its next batch on. Filled by the control thread, emptied by the worker.
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

/// What a router has said of the path between two ends.
struct PathMtuReport {
  wire::Ipv4Address local;
  wire::Ipv4Address remote;
  std::uint16_t mtu = 0;
};

/// Runs from its construction to its destruction.
class Endpoint {
 public:
  /// `tun` outlives the endpoint. Throws std::system_error where the sockets cannot be had.
  Endpoint(io::TunDevice& tun, const engine::TunnelParameters& parameters, const io::WireEnds& ends,
           const std::optional<io::NextHop>& next_hop);
  ~Endpoint();
  Endpoint(Endpoint&&) = delete;
  Endpoint& operator=(Endpoint&&) = delete;
  Endpoint(const Endpoint&) = delete;
  Endpoint& operator=(const Endpoint&) = delete;

  /// From the next batch on. Opens new sockets where the ends or the next hop differ; throws
  /// std::system_error, nothing changed then, where they cannot be had.
  void reconfigure(const engine::TunnelParameters& parameters, const io::WireEnds& ends,
                   const std::optional<io::NextHop>& next_hop);

  /// Readable once the tun device has been deleted and the workers have ended.
  [[nodiscard]] int gone_fd() const noexcept { return gone_.get(); }

  /// Readable once a router has told of a path MTU.
  [[nodiscard]] int path_mtu_fd() const noexcept { return path_mtu_told_.get(); }
  /// The smallest of the last path since the last call.
  [[nodiscard]] std::optional<PathMtuReport> take_path_mtu();

  [[nodiscard]] const engine::DirectionCounters& out() const noexcept { return out_; }
  [[nodiscard]] const engine::DirectionCounters& in() const noexcept { return in_; }
  [[nodiscard]] engine::Time last_heard() const noexcept { return last_heard_.get(); }

 private:
  void run_outbound(engine::TunnelParameters parameters, io::WireSender sender);
  void run_inbound(engine::TunnelParameters parameters, io::RawReceiver receiver);
  void report_gone() noexcept;
  void report_path_mtu(const PathMtuReport& report);

  io::TunDevice& tun_;
  io::WireEnds ends_;
  std::optional<io::NextHop> next_hop_;
  io::FileDescriptor gone_;
  io::FileDescriptor path_mtu_told_;
  std::mutex path_mtu_mutex_;
  std::optional<PathMtuReport> path_mtu_;
  engine::DirectionCounters out_;
  engine::DirectionCounters in_;
  engine::LastTime last_heard_;
  WorkerMailbox<io::WireSender> outbound_mail_;
  WorkerMailbox<io::RawReceiver> inbound_mail_;
  std::thread outbound_;
  std::thread inbound_;
};

}  // namespace sixin4
