// From the IPv4 side to tun: checks the outer and the inner header, takes the inner packet out, and describes
// an unfinished checksum to tun.
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
  bool taken_elsewhere = false;  ///< not a refusal: a duplicate that the other receive socket delivers, too
  TunPacket packet{};            ///< part of the outer packet, if the verdict is pass
  std::uint32_t packets = 1;     ///< inner packets that came on the wire
  std::uint32_t wire_bytes = 0;  ///< bytes of those inner packets
  PacketId id = 0;               ///< set by the caller
};

/// `packet` is one IPv4 packet as a raw socket delivers it: reassembled, its header checksum verified by the
/// kernel, and possibly many TCP segments or UDP datagrams of one flow, merged by receive offload.
///
/// Merged TCP segments are a stretch of a stream and need no boundaries. Merged UDP datagrams keep their
/// boundaries only in the packet socket, so every packet with an unfinished UDP checksum, which is how
/// merging leaves it, is taken from there. Without a packet socket a datagram longer than any single one is
/// refused; a shorter one counts as single, which is right for the unfinished datagrams of a sender on this
/// machine.
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
