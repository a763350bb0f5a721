// Announcements of changes that the choice between raw and packet socket depends on.
#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <string>

#include "sixin4/netlink/netlink_monitor.hpp"

namespace sixin4::tunnel {

/// One netlink monitor for each subject: neighbours, nftables tables, IPsec policies.
class SenderMonitors {
 public:
  static constexpr std::size_t count = 3;

  /// If a monitor cannot be opened, `unwatched` returns the reason.
  SenderMonitors();

  /// A subject whose changes cannot be watched, with the reason; empty: all are watched.
  [[nodiscard]] const std::string& unwatched() const noexcept { return unwatched_; }
  /// For poll(2). -1: this subject will not be announced.
  [[nodiscard]] int fd(std::size_t index) const noexcept {
    return monitors_.at(index) ? monitors_.at(index)->fd() : -1;
  }
  /// As netlink::NetlinkMonitor::drain.
  [[nodiscard]] bool drain(std::size_t index) { return monitors_.at(index) && monitors_.at(index)->drain(); }

 private:
  std::array<std::optional<netlink::NetlinkMonitor>, count> monitors_;
  std::string unwatched_;
};

}  // namespace sixin4::tunnel
