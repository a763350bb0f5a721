// Notifications that the host's network has changed. They do not contain the change: the reader queries
// again.
#pragma once

#include <cstdint>

#include "sixin4/base/file_descriptor.hpp"

namespace sixin4::netlink {

enum class Subject : std::uint8_t {
  /// Links, addresses, routes and rules of IPv4 and IPv6. The kernel does not announce learned path MTUs.
  configuration,
  neighbours,
  nftables,
  ipsec_policies,
};

/// Owns a nonblocking socket that is subscribed to the changes of one subject in the network namespace of its
/// construction.
class NetlinkMonitor {
 public:
  /// Throws `std::system_error` if the socket or a subscription fails. A kernel without the subsystem of the
  /// subject reports no changes.
  explicit NetlinkMonitor(Subject subject);

  /// For poll(2): readable after a change; -1 if the kernel does not have the subsystem.
  [[nodiscard]] int fd() const noexcept { return fd_.get(); }

  /// Reads all events and returns whether there were any. Events lost to a full socket buffer (ENOBUFS)
  /// count. Throws `std::system_error` on any other error.
  [[nodiscard]] bool drain();

 private:
  base::FileDescriptor fd_;
};

}  // namespace sixin4::netlink
