// The maximum segment size that a TCP connection announces (RFC 9293 §3.7.1).
#pragma once

#include <cstdint>

#include "sixin4/engine/packet.hpp"

namespace sixin4::engine {

/// Lowers the MSS option of a TCP SYN in `packet`, an IPv6 packet cut to its length, to what fits a link with
/// `mtu`: that less the IPv6 and the TCP header. A checksum that is finished stays as right or wrong as it
/// was (RFC 1624); one that is not is left alone. What announces no MSS means 1220 (RFC 9293 §3.7.1), which
/// every link takes.
void clamp_mss(TunPacket& packet, std::uint16_t mtu) noexcept;

}  // namespace sixin4::engine
