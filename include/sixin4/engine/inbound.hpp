// From the wire to tun: check the outer packet, take the inner one out, check that, and tell tun what is
// unfinished about it.
#pragma once

#include "sixin4/engine/packet.hpp"
#include "sixin4/engine/parameters.hpp"
#include "sixin4/engine/verdict.hpp"

namespace sixin4::engine {

struct Decapsulated {
  Verdict verdict = Verdict::pass;
  bool taken_elsewhere =
      false;           ///< not a refusal: the same packet comes over the other socket, and is taken there
  TunPacket packet{};  ///< within the datagram, where the verdict is pass
  std::uint32_t packets = 1;     ///< how many inner packets it was on the wire
  std::uint32_t wire_bytes = 0;  ///< bytes of those inner packets
  PacketId id = 0;               ///< for whoever numbers packets
};

/// `packet` is one IPv4 packet as a raw socket gives it: reassembled, its header checksum verified by the
/// kernel, and where receive offload is on perhaps many TCP segments or UDP datagrams of one flow merged into
/// one.
///
/// Merged TCP segments are a byte stream, and taken as they are. Merged UDP datagrams have lost their
/// boundaries but for the packet socket, so those are taken from there: whatever has an unfinished UDP
/// checksum, which is what merging leaves. Where there is no packet socket a datagram that cannot be a single
/// one is refused; shorter ones are taken for one, which is right for those that a sender on the same machine
/// left unfinished.
[[nodiscard]] Decapsulated decapsulate(const TunnelParameters& parameters, wire::MutableBytes packet,
                                       const ReceiveOffload& offload = {}) noexcept;

}  // namespace sixin4::engine
