// Decides by the content of a captured packet on which side of the endpoint it was. docs/offline.md lists the
// rules.
#pragma once

#include <cstdint>

#include "sixin4/engine/packet.hpp"
#include "sixin4/engine/parameters.hpp"
#include "sixin4/wire/bytes.hpp"
#include "sixin4/wire/vnet_header.hpp"

namespace sixin4::replay {

enum class ReplaySide : std::uint8_t {
  outward,   ///< an IPv6 packet that the host gives to the tunnel
  inward,    ///< protocol 41 to this end, or from the far end
  error,     ///< an ICMP error to this end about a packet of protocol 41
  sent,      ///< protocol 41 that this end sent when the capture was made
  received,  ///< an IPv6 packet that this end gave to the host when the capture was made
  other,     ///< not a packet of this tunnel
};

/// The link headers of a capture.
enum class Framing : std::uint8_t {
  bare,  ///< IP packets without link headers, as a tunnel's interface has them
  link   ///< frames with the header of another link, or of `-i any`
};

/// `packet` holds the captured bytes from the IP header on.
[[nodiscard]] ReplaySide side_of(wire::Bytes packet, Framing framing,
                                 const engine::TunnelParameters& parameters) noexcept;

/// Parses an ICMP error. The side of the packet must be `error`.
[[nodiscard]] engine::WireError wire_error_of(wire::Bytes packet) noexcept;

/// The offload data that a tun device would deliver with a whole outward IPv6 packet. A transport checksum
/// that holds only the sum of the pseudo-header is unfinished. A TCP packet with such a checksum and more
/// than `mtu` bytes is a super-packet.
[[nodiscard]] wire::VnetHeader offload_of(wire::Bytes packet, std::uint16_t mtu) noexcept;

}  // namespace sixin4::replay
