// Tells that something changed in the host's network configuration, not what: whoever cares looks again.
#pragma once

#include "sixin4/io/file_descriptor.hpp"

namespace sixin4::control {

/// A nonblocking socket subscribed to changes of links, IPv4 addresses, routes and rules, and IPv6
/// addresses, routes and rules, in the network namespace in which it was made. Owns its descriptor.
/// Needs no privilege. A learned path MTU is not among the events: the kernel does not announce it.
class NetlinkMonitor {
 public:
  /// Throws `std::system_error` when the kernel refuses the socket or a subscription.
  NetlinkMonitor();

  /// For poll(2): readable when something changed.
  [[nodiscard]] int fd() const noexcept { return fd_.get(); }

  /// Empties the socket and says whether anything came; events lost to a full socket (ENOBUFS) count.
  /// Throws `std::system_error` on any other error.
  [[nodiscard]] bool drain();

 private:
  io::FileDescriptor fd_;
};

}  // namespace sixin4::control
