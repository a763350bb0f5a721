// Which side of a tunnel's end a captured packet was on, read off the packet itself.
#pragma once

#include <cstdint>
#include <optional>

#include "sixin4/engine/packet.hpp"
#include "sixin4/engine/parameters.hpp"
#include "sixin4/wire/bytes.hpp"
#include "sixin4/wire/vnet_header.hpp"

namespace sixin4::replay {

enum class ReplaySide : std::uint8_t {
  outward,   ///< an IPv6 packet that the host gives to this end
  inward,    ///< protocol 41 to this end or from the far one
  error,     ///< an ICMP error about a packet of protocol 41, to this end
  sent,      ///< protocol 41 that this end has sent, when the capture was made
  received,  ///< an IPv6 packet that this end has given to the host then
  other,     ///< nothing of this tunnel's
};

/// What the frames of a capture are.
enum class Framing : std::uint8_t {
  bare,  ///< IP packets, as a tunnel's interface has them
  link   ///< with the header of a link that is no tunnel, or of all of a host's together
};

/// `packet` is what there is of one, from its IP header on.
[[nodiscard]] ReplaySide side_of(wire::Bytes packet, Framing framing,
                                 const engine::TunnelParameters& parameters) noexcept;

/// The ICMP error that the packet is. Call only where its side is `error`.
[[nodiscard]] engine::WireError wire_error_of(wire::Bytes packet) noexcept;

/// What tun would say of a whole outward IPv6 packet: a checksum that holds only the pseudo-header's sum is
/// unfinished, and what then has more than `mtu` bytes is a super-packet.
[[nodiscard]] wire::VnetHeader offload_of(wire::Bytes packet, std::uint16_t mtu) noexcept;

}  // namespace sixin4::replay
