// What the endpoint owns in the host's IPv6 configuration, and keeping the host that way.
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

/// Owns addresses, their labels, routes and rules of one tunnel link: what it has put there, its end takes
/// away. Uses the `Netlink` that it is given, which must outlive it. What others configure on the link, and
/// what is not part of the state, it leaves alone; a rule that a killed process left is taken over.
class HostNetwork {
 public:
  HostNetwork(Netlink& netlink, int link_index) noexcept : netlink_(netlink), link_index_(link_index) {}
  ~HostNetwork() { withdraw(); }
  HostNetwork(HostNetwork&&) = delete;
  HostNetwork& operator=(HostNetwork&&) = delete;
  HostNetwork(const HostNetwork&) = delete;
  HostNetwork& operator=(const HostNetwork&) = delete;

  /// Makes `state` the one to keep: removes what the former one had and this one has not, touches
  /// nothing that both have, adds the rest as `restore` does and says how much that was. Throws
  /// `std::system_error` at the first refusal; part of the change is then made, `restore` goes on with it,
  /// and applying the former state again undoes it.
  std::size_t apply(HostState state);

  /// Puts back what is missing, and says how many objects that were. Call it when the link came up and
  /// after every burst of monitor events. It looks before it adds, so where nothing is missing it changes
  /// nothing and causes no event of its own. While the link is down or gone it does nothing. Throws
  /// `std::system_error` at the first refusal.
  std::size_t restore();

  /// Removes everything and forgets the state. The rules matter most: they outlive the link. Goes on
  /// after a refusal, and says whether all of it is gone.
  bool withdraw() noexcept;

  [[nodiscard]] const HostState& state() const noexcept { return state_; }

  /// The link has gone out of this network namespace, so its number may be another link's by now: nothing is
  /// done to links until `use_link`.
  void leave_link() noexcept { link_index_ = 0; }
  /// The link is there, perhaps under another number.
  void use_link(int link_index) noexcept { link_index_ = link_index; }

 private:
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
