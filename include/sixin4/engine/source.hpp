// Inner source addresses: whose they are, and which may pass the tunnel in which direction.
#pragma once

#include "sixin4/engine/parameters.hpp"
#include "sixin4/wire/address.hpp"
#include "sixin4/wire/bytes.hpp"

namespace sixin4::engine {

/// Sources that no packet from a tunnel may have: RFC 4213 §3.6, and the IPv4-compatible and IPv4-mapped
/// prefixes of RFC 4291 §2.5.5. Legitimate 6to4 sources are not among them.
[[nodiscard]] bool is_never_a_source(const wire::Ipv6Address& source) noexcept;

/// Whether the address belongs to this end.
[[nodiscard]] bool is_ours(const TunnelParameters& parameters, const wire::Ipv6Address& address) noexcept;

/// Whether the egress filter lets an IPv6 packet, or the start of one, out: its source is ours or link-local,
/// or it is ICMPv6 of a host that has no address yet.
[[nodiscard]] bool may_leave(const TunnelParameters& parameters, wire::Bytes packet) noexcept;

}  // namespace sixin4::engine
