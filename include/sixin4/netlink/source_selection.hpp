// The rule of RFC 6724 §5 by which the host chooses the source address for a destination.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "sixin4/netlink/network_objects.hpp"
#include "sixin4/wire/address.hpp"

namespace sixin4::netlink {

/// The decision between the chosen address and its closest rival.
struct SourceReason {
  int rule = 0;             ///< of RFC 6724 §5, 1 to 8; 0: there is no other address, or a tie
  wire::Ipv6Address rival;  ///< unspecified if there is no other address
};

/// Compares `chosen` with the other `addresses`. They are all addresses of the host. `link_index` is the
/// output link of packets to `destination`. Returns nothing if `chosen` is not one of the addresses, or if
/// the rules prefer another address: a route may set the source.
[[nodiscard]] std::optional<SourceReason> reason_for(const wire::Ipv6Address& chosen,
                                                     const wire::Ipv6Address& destination, int link_index,
                                                     std::span<const HostAddress> addresses,
                                                     std::span<const PolicyLabel> labels);

/// The criterion of a rule in a few words; empty for 0 and unknown rules.
[[nodiscard]] const char* name_of_source_rule(int rule) noexcept;

}  // namespace sixin4::netlink
