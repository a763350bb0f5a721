// From the wire to tun: check the outer packet, take the inner one out, check that, and tell tun what is
// unfinished about it.
#pragma once

#include <cstddef>
#include <cstdint>

#include "sixin4/engine/packet.hpp"
#include "sixin4/engine/parameters.hpp"
#include "sixin4/engine/verdict.hpp"
#include "sixin4/wire/bytes.hpp"
#include "sixin4/wire/vnet_header.hpp"

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

/// A TCP or UDP header whose checksum field holds the sum of the pseudo-header only. False: there is none.
struct UnfinishedTransport {
  std::size_t offset = 0;         ///< of that header, from the IPv6 header
  std::size_t header_length = 0;  ///< of all headers together
  std::uint8_t protocol = 0;
  explicit operator bool() const noexcept { return header_length != 0; }
};

/// Receive offload leaves such a checksum in a merged packet, a sender on this machine in every packet. One
/// in 65536 finished checksums is the same sum by chance. `packet` is an IPv6 packet cut to its length.
[[nodiscard]] UnfinishedTransport find_unfinished_transport(wire::Bytes packet) noexcept;

/// The offload data for such a packet. `gso_size` is the payload of a segment in bytes; 0: not a
/// super-packet.
[[nodiscard]] wire::VnetHeader describe_offload(const UnfinishedTransport& unfinished, std::uint16_t gso_size,
                                                wire::Bytes packet) noexcept;

}  // namespace sixin4::engine
