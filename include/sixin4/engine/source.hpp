// Rules for inner source addresses: which belong to this end, and which may pass in which direction.
#pragma once

#include <algorithm>
#include <cstdint>

#include "sixin4/engine/parameters.hpp"
#include "sixin4/wire/address.hpp"
#include "sixin4/wire/bytes.hpp"
#include "sixin4/wire/ipv6.hpp"

namespace sixin4::engine {

/// Whether RFC 4213 §3.6 forbids this source in a packet from a tunnel: multicast, loopback, IPv4-compatible
/// and IPv4-mapped addresses (RFC 4291 §2.5.5). 6to4 sources are legitimate.
[[nodiscard]] constexpr bool is_never_a_source(const wire::Ipv6Address& source) noexcept {
  if (source.high() != 0) return source.is_multicast();
  if (source.low() == 0)
    return false;  // unspecified: used in duplicate address detection and router solicitation
  // ::/96 (which contains ::1) and ::ffff:0:0/96.
  const std::uint64_t bits_before_ipv4 = source.low() >> 32U;
  return bits_before_ipv4 == 0 || bits_before_ipv4 == 0xffff;
}

/// Whether the address belongs to this end.
[[nodiscard]] inline bool is_ours(const TunnelParameters& parameters,
                                  const wire::Ipv6Address& address) noexcept {
  return std::ranges::any_of(parameters.ours, [&](const auto& prefix) { return prefix.contains(address); });
}

/// Whether the egress filter passes an IPv6 packet, or the start of one, with this source: an address of this
/// end, a link-local one, or the unspecified address in ICMPv6 (of a host without an address yet).
[[nodiscard]] inline bool may_leave(const TunnelParameters& parameters, const wire::Ipv6Address& source,
                                    wire::Bytes packet) noexcept {
  if (source.is_unspecified()) {
    const auto upper = wire::upper_layer_of(packet);
    return upper && upper->protocol == wire::next_header::icmpv6;
  }
  return source.is_link_local() || is_ours(parameters, source);
}
/// The same for the source in the packet.
[[nodiscard]] inline bool may_leave(const TunnelParameters& parameters, wire::Bytes packet) noexcept {
  if (!wire::Ipv6Header::begins(packet)) return false;
  return may_leave(parameters, wire::Ipv6Header{packet.first<wire::ipv6_header_size>()}.source().address,
                   packet);
}

}  // namespace sixin4::engine
