// What workers tell the control thread. Any of them may; one thread takes it.
#pragma once

#include <cstdint>
#include <mutex>
#include <optional>

#include "sixin4/base/file_descriptor.hpp"
#include "sixin4/wire/address.hpp"

namespace sixin4::datapath {

/// What a router has said of the path between two ends.
struct PathMtuReport {
  wire::Ipv4Address local;
  wire::Ipv4Address remote;
  std::uint16_t mtu = 0;
};

class WorkerReports {
 public:
  /// Throws std::system_error.
  WorkerReports();

  /// The tun device has been deleted.
  void tell_gone() noexcept;
  void tell_path_mtu(const PathMtuReport& report);
  /// A worker has given up an offload, which its counters say.
  void tell_offload() noexcept;

  /// Readable once the tun device has been deleted.
  [[nodiscard]] int gone_fd() const noexcept { return gone_.get(); }
  /// Readable once a router has told of a path MTU, or a worker has given up an offload.
  [[nodiscard]] int path_mtu_fd() const noexcept { return path_mtu_told_.get(); }
  /// The smallest of the last path since the last call.
  [[nodiscard]] std::optional<PathMtuReport> take_path_mtu();

 private:
  base::FileDescriptor gone_;
  base::FileDescriptor path_mtu_told_;
  std::mutex mutex_;
  std::optional<PathMtuReport> path_mtu_;
};

/// An eventfd(2). Throws std::system_error.
[[nodiscard]] base::FileDescriptor open_event();

}  // namespace sixin4::datapath
