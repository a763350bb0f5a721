// From the IPv4 side to tun: checks the outer and the inner header, extracts the inner packet, and describes
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
  bool taken_elsewhere = false;  ///< not a refusal: the packet is left to the other receive socket
  TunPacket packet{};            ///< part of the outer packet, if the verdict is pass
  std::uint32_t packets = 1;     ///< inner packets that came on the wire
  std::uint32_t wire_bytes = 0;  ///< bytes of those inner packets
  PacketId id = 0;               ///< set by the caller
};

/// `packet` is one IPv4 packet, possibly many TCP segments or UDP datagrams of one flow that receive offload
/// has merged. A raw socket delivers it reassembled, its header checksum verified by the kernel; a packet
/// socket does neither.
///
/// Merged TCP segments need no boundaries, because they are a contiguous part of a stream. Only the packet
/// socket reports the boundaries of merged UDP datagrams. Merging leaves a UDP checksum unfinished, so every
/// packet with an unfinished UDP checksum is taken from the packet socket. Without a packet socket a datagram
/// longer than any single one is refused. A shorter one is passed as a single datagram, which is right for a
/// sender on this machine, because such a sender leaves every UDP checksum unfinished.
[[nodiscard]] Decapsulated decapsulate(const TunnelParameters& parameters, wire::MutableBytes packet,
                                       const ReceiveOffload& offload = {}) noexcept;

/// A TCP or UDP header whose checksum field holds the sum of the pseudo-header only. Converts to false if the
/// packet has none.
struct UnfinishedTransport {
  std::size_t offset = 0;         ///< of that header, from the IPv6 header
  std::size_t header_length = 0;  ///< of all headers together
  std::uint8_t protocol = 0;
  explicit operator bool() const noexcept { return header_length != 0; }
};

/// Receive offload leaves the checksum of a merged packet unfinished, a sender on this machine that of every
/// packet. One in 65536 finished checksums equals the pseudo-header sum by chance. `packet` is an IPv6 packet
/// cut to its length.
[[nodiscard]] UnfinishedTransport find_unfinished_transport(wire::Bytes packet) noexcept;

/// The offload data of a packet with an unfinished checksum. `gso_size` is the payload of a segment in bytes;
/// 0: not a super-packet.
[[nodiscard]] wire::VnetHeader describe_offload(const UnfinishedTransport& unfinished, std::uint16_t gso_size,
                                                wire::Bytes packet) noexcept;

}  // namespace sixin4::engine
