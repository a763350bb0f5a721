// The objects that the endpoint owns in the host's IPv6 configuration, and their reconciliation with the
// kernel.
#pragma once

#include <cstddef>
#include <vector>

#include "sixin4/netlink/netlink.hpp"

namespace sixin4::netlink {

struct HostState {
  std::vector<InterfaceAddress> addresses{};
  std::vector<AddressLabel> labels{};
  std::vector<Ipv6Route> routes{};
  std::vector<Rule> rules{};
  bool operator==(const HostState&) const = default;
};

/// Owns addresses, address labels, routes and rules of one tunnel link. The destructor removes them. Other
/// objects stay, except that the link has an address only once: an address of the state replaces the same
/// address with another length or peer. An object that exists already, such as a rule of a killed process,
/// becomes part of the state and is removed with it.
class HostNetwork {
 public:
  /// `netlink` must outlive this object.
  HostNetwork(Netlink& netlink, int link_index) noexcept : netlink_(netlink), link_index_(link_index) {}
  ~HostNetwork() { withdraw(); }
  HostNetwork(HostNetwork&&) = delete;
  HostNetwork& operator=(HostNetwork&&) = delete;
  HostNetwork(const HostNetwork&) = delete;
  HostNetwork& operator=(const HostNetwork&) = delete;

  /// Makes `state` the state to keep: removes the objects that only the previous state has, and adds missing
  /// objects as `restore` does. Returns the number of added objects. Throws `std::system_error` at the first
  /// request that fails, with part of the change made. If a removal failed, the previous state remains the
  /// state to keep; if an addition failed, `restore` continues the change. Applying the previous state again
  /// undoes the part.
  std::size_t apply(HostState state);

  /// Adds the objects of the state that the kernel does not list, and returns their number. Call it when the
  /// link has come up and after every burst of monitor events. If no object is missing, it sends queries
  /// only, so that no monitor event follows. While the link is down or gone it does nothing. Throws
  /// `std::system_error` at the first request that fails.
  std::size_t restore();

  /// Removes all objects and clears the state: the rules first, because they outlive the link. Continues
  /// after a request that fails, and returns whether all requests succeeded.
  bool withdraw() noexcept;

  [[nodiscard]] const HostState& state() const noexcept { return state_; }

  /// Call it when the link has left this network namespace. Another link may get the same index, so
  /// `withdraw` removes only rules until `use_link`.
  void leave_link() noexcept { link_index_ = 0; }
  /// Call it when the link is in this network namespace again, perhaps with another index.
  void use_link(int link_index) noexcept { link_index_ = link_index; }

 private:
  void remove_from_link(const HostState& next);
  [[nodiscard]] bool link_is_up();
  std::size_t add_missing_labels();
  std::size_t add_missing_addresses();
  std::size_t add_missing_routes();
  std::size_t add_missing_rules();

  Netlink& netlink_;
  int link_index_;
  HostState state_;  ///< in canonical form
};

}  // namespace sixin4::netlink
