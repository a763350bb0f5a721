// Clamps the maximum segment size that a TCP connection announces (RFC 9293 §3.7.1).
#pragma once

#include <cstdint>

#include "sixin4/engine/packet.hpp"

namespace sixin4::engine {

/// Lowers the MSS option of a TCP SYN in `packet`, an IPv6 packet cut to its length, to `mtu` less the IPv6
/// and TCP header. Updates a finished checksum incrementally (RFC 1624), so a wrong one stays wrong; an
/// unfinished one is left alone. A SYN without the option means 1220, which every link takes.
void clamp_mss(TunPacket& packet, std::uint16_t mtu) noexcept;

}  // namespace sixin4::engine
