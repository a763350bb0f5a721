// Replaces an address in a packet, and updates every checksum that covers it (RFC 1624).
#pragma once

#include <algorithm>
#include <span>

#include "sixin4/engine/flow_packet.hpp"
#include "sixin4/engine/packet.hpp"
#include "sixin4/wire/address.hpp"
#include "sixin4/wire/icmpv6.hpp"

namespace sixin4::engine {

/// Sets the local address of `packet`: its source outbound, its destination inbound. `parsed` is the result
/// of `flow_packet_of`. `packet` may be a super-packet or a merged packet. A finished checksum stays as
/// right or wrong as it was; an unfinished one keeps holding the sum of the pseudo-header.
void rewrite_local(TunPacket& packet, const FlowPacket& parsed, Direction direction,
                   const wire::Ipv6Address& address) noexcept;

/// Sets the local address of the packet that an ICMPv6 error quotes to `to`, and that of the error itself if
/// it is `from`. The quoted packet went in the opposite direction. `parsed` is the result of `flow_packet_of`
/// for the error.
void rewrite_error(TunPacket& packet, const FlowPacket& parsed, Direction direction,
                   const wire::Ipv6Address& from, const wire::Ipv6Address& to) noexcept;

/// The part of a packet that an ICMPv6 error quotes.
template <typename Byte>
[[nodiscard]] constexpr std::span<Byte> quoted_by(std::span<Byte> error, const FlowPacket& parsed) noexcept {
  return error.subspan(std::min(error.size(), parsed.transport + wire::icmpv6::header_size));
}

}  // namespace sixin4::engine
