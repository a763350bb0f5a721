// Why a host takes one of its addresses as the source towards a destination (RFC 6724 §5).
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "sixin4/netlink/network_objects.hpp"
#include "sixin4/wire/address.hpp"

namespace sixin4::netlink {

/// What decided between the address that was chosen and the one that came closest to it.
struct SourceReason {
  int rule = 0;  ///< of RFC 6724 §5, 1 to 8; 0: it is the only address, or there is a tie
  wire::Ipv6Address rival;
};

/// Of `addresses`, all that the host has. `link_index` is the link that packets to `destination` leave by.
/// Nothing where another address would win by these rules: then a route names the chosen one.
[[nodiscard]] std::optional<SourceReason> reason_for(const wire::Ipv6Address& chosen,
                                                     const wire::Ipv6Address& destination, int link_index,
                                                     std::span<const HostAddress> addresses,
                                                     std::span<const PolicyLabel> labels);

/// The rule in a few words.
[[nodiscard]] const char* name_of_source_rule(int rule) noexcept;

}  // namespace sixin4::netlink
