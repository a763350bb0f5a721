// From the wire to tun: check the outer packet, take the inner one out, check that, and tell tun what is
// unfinished about it.
#pragma once

#include "sixin4/engine/packet.hpp"
#include "sixin4/engine/parameters.hpp"
#include "sixin4/engine/verdict.hpp"

namespace sixin4::engine {

struct Decapsulated {
  Verdict verdict = Verdict::pass;
  TunPacket packet{};            ///< within the datagram, where the verdict is pass
  std::uint32_t packets = 1;     ///< how many inner packets it was on the wire
  std::uint32_t wire_bytes = 0;  ///< bytes of those inner packets
};

/// `datagram` is one IPv4 packet as a raw socket gives it: reassembled, its header checksum verified by the
/// kernel, and where receive offload is on perhaps many TCP segments of one flow merged into one.
[[nodiscard]] Decapsulated decapsulate(const TunnelParameters& parameters,
                                       wire::MutableBytes datagram) noexcept;

}  // namespace sixin4::engine
