// Tells that something changed in the host's network, not what: whoever cares looks again.
#pragma once

#include <cstdint>

#include "sixin4/base/file_descriptor.hpp"

namespace sixin4::netlink {

enum class Subject : std::uint8_t {
  configuration,  ///< links, addresses, routes and rules of IPv4 and IPv6; but no learned path MTU, which the
                  ///< kernel does not announce
  neighbours,
  nftables,
  ipsec_policies,
};

/// A nonblocking socket subscribed to the changes of one subject, in the network namespace in which it was
/// made. Owns its descriptor.
class NetlinkMonitor {
 public:
  /// Throws `std::system_error` when the kernel refuses the socket or a subscription. Where the kernel does
  /// not have the subject at all, nothing will change.
  explicit NetlinkMonitor(Subject subject);

  /// For poll(2): readable when something changed; -1 where nothing will.
  [[nodiscard]] int fd() const noexcept { return fd_.get(); }

  /// Empties the socket and says whether anything came; events lost to a full socket (ENOBUFS) count.
  /// Throws `std::system_error` on any other error.
  [[nodiscard]] bool drain();

 private:
  base::FileDescriptor fd_;
};

}  // namespace sixin4::netlink
