// What the choice between raw and packet socket rests on, watched.
#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <string>

#include "sixin4/netlink/netlink_monitor.hpp"

namespace sixin4::tunnel {

class WireMonitors {
 public:
  static constexpr std::size_t count = 3;

  WireMonitors();

  /// Why changes of one of them cannot be seen; empty where all can.
  [[nodiscard]] const std::string& blind() const noexcept { return blind_; }
  /// For poll(2); -1 where nothing will come.
  [[nodiscard]] int fd(std::size_t index) const noexcept {
    return monitors_.at(index) ? monitors_.at(index)->fd() : -1;
  }
  /// As netlink::NetlinkMonitor has it.
  [[nodiscard]] bool drain(std::size_t index) { return monitors_.at(index) && monitors_.at(index)->drain(); }

 private:
  std::array<std::optional<netlink::NetlinkMonitor>, count> monitors_;
  std::string blind_;
};

}  // namespace sixin4::tunnel
