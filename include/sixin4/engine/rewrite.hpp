// Puts another address into a packet, and into every checksum that covers it (RFC 1624).
#pragma once

#include <algorithm>
#include <span>

#include "sixin4/engine/flow_packet.hpp"
#include "sixin4/engine/packet.hpp"
#include "sixin4/wire/address.hpp"
#include "sixin4/wire/icmpv6.hpp"

namespace sixin4::engine {

/// The local address of `packet`, its source outward and its destination inward, becomes `address`. `parsed`
/// is what `flow_packet_of` says of it. Super-packets and merged packets stay whole: a checksum that is
/// finished stays as right or wrong as it was, one that is not goes on holding the sum of the pseudo-header.
void rewrite_local(TunPacket& packet, const FlowPacket& parsed, Direction direction,
                   const wire::Ipv6Address& address) noexcept;

/// An ICMPv6 error's own local address, where it is `from`, and the one of the packet that it quotes, which
/// went the other way, become `to`. `parsed` is what `flow_packet_of` says of the error.
void rewrite_error(TunPacket& packet, const FlowPacket& parsed, Direction direction,
                   const wire::Ipv6Address& from, const wire::Ipv6Address& to) noexcept;

/// What an ICMPv6 error quotes of a packet.
template <typename Byte>
[[nodiscard]] constexpr std::span<Byte> quoted_by(std::span<Byte> error, const FlowPacket& parsed) noexcept {
  return error.subspan(std::min(error.size(), parsed.transport + wire::icmpv6::header_size));
}

}  // namespace sixin4::engine
