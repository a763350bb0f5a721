// Reports from the workers to the control thread.
#pragma once

#include <cstdint>
#include <mutex>
#include <optional>

#include "sixin4/base/file_descriptor.hpp"
#include "sixin4/wire/address.hpp"

namespace sixin4::datapath {

/// A path MTU in bytes that a router has reported, with the ends of the outer packet that it did not forward.
struct PathMtuReport {
  wire::Ipv4Address local;
  wire::Ipv4Address remote;
  std::uint16_t mtu = 0;
};

/// All workers write, the control thread reads.
class WorkerReports {
 public:
  /// Throws std::system_error.
  WorkerReports();

  /// The tun device was deleted.
  void report_gone() noexcept;
  void report_path_mtu(const PathMtuReport& report);
  /// A worker has given up an offload. Its counters say which one.
  void report_offload() noexcept;

  /// Readable once the tun device was deleted.
  [[nodiscard]] int gone_fd() const noexcept { return gone_.get(); }
  /// Readable from a report of a path MTU or of an offload until `take_path_mtu`.
  [[nodiscard]] int news_fd() const noexcept { return news_.get(); }
  /// The smallest path MTU reported since the last call, for the ends of the latest report; nullopt: none was
  /// reported.
  [[nodiscard]] std::optional<PathMtuReport> take_path_mtu();

 private:
  base::FileDescriptor gone_;
  base::FileDescriptor news_;
  std::mutex mutex_;
  std::optional<PathMtuReport> path_mtu_;
};

/// An eventfd(2). Throws std::system_error.
[[nodiscard]] base::FileDescriptor open_event();

}  // namespace sixin4::datapath
