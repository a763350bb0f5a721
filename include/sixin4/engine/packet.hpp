// The types in which packets enter and leave the engine, and the concepts of the two ends that carry them.
#pragma once

#include <concepts>
#include <cstdint>
#include <optional>
#include <span>

#include "sixin4/wire/bytes.hpp"
#include "sixin4/wire/vnet_header.hpp"

namespace sixin4::engine {

/// Out: from the host into the tunnel. In: from the tunnel to the host.
enum class Direction : std::uint8_t { out, in };

[[nodiscard]] constexpr Direction opposite(Direction direction) noexcept {
  return direction == Direction::out ? Direction::in : Direction::out;
}

/// The work that offload data may ask of the device or link that takes a packet.
enum class Offload : std::uint8_t {
  checksum,  ///< to finish a checksum
  tcp,       ///< to cut a TCP super-packet
  udp,       ///< to cut a UDP super-packet
  count_     ///< number of offloads
};
inline constexpr std::size_t offload_count = static_cast<std::size_t>(Offload::count_);

/// The offload that the packet needs; empty if the packet is complete.
[[nodiscard]] constexpr std::optional<Offload> offload_asked_by(const wire::VnetHeader& header) noexcept {
  if (header.gso == wire::Gso::udp) return Offload::udp;
  if (header.gso != wire::Gso::none) return Offload::tcp;
  return header.needs_checksum ? std::optional{Offload::checksum} : std::nullopt;
}

/// An IPv6 packet, or a super-packet with the offload data that describes how to finish it.
struct TunPacket {
  wire::VnetHeader offload{};
  wire::MutableBytes bytes{};
};

/// An inner checksum that the link is to finish; the field holds the sum of the pseudo-header.
struct UnfinishedChecksum {
  std::uint16_t start = 0;   ///< offset of the transport header; 0: no checksum is unfinished
  std::uint16_t offset = 0;  ///< offset of the field in that header
  bool operator==(const UnfinishedChecksum&) const = default;
};

/// The same in all forms of a packet, and unique within a tunnel.
using PacketId = std::uint64_t;

/// An IPv4 packet to send, in two parts so that payload is not moved. Borrowed until the batch is sent.
struct OuterPacket {
  wire::Bytes head;                ///< the outer header, and inner headers that were rewritten
  wire::Bytes body;                ///< the rest
  std::uint32_t inner_length = 0;  ///< of the inner packet; 0 for all fragments but the last
  /// Offset of the transport header from the outer header, if the link is to finish its checksum; else 0.
  std::uint16_t checksum_start = 0;
  std::uint16_t checksum_offset = 0;  ///< of the field, from the transport header
  PacketId id = 0;                    ///< of the packet that this one carries, whole or in part
};

enum class IoStatus : std::uint8_t {
  ok,
  empty,    ///< nothing to read now
  full,     ///< nothing more can be written now
  down,     ///< the interface is down; it may come back
  gone,     ///< the interface was deleted
  error,    ///< this packet was not taken
  refused,  ///< this packet was not taken, and may pass without its offload data
};

struct ReadResult {
  IoStatus status = IoStatus::empty;
  TunPacket packet{};  ///< part of the buffer, if the status is ok
};

/// `sent` packets from the start of the batch were sent, at least one if the status is ok. Any other status
/// is that of the packet after them.
struct SendResult {
  std::size_t sent = 0;
  IoStatus status = IoStatus::ok;
};

/// The facts that a socket reports about a received packet. Only a packet socket reports whether receive
/// offload has merged it.
struct ReceiveOffload {
  bool from_packet_socket = false;
  bool only_raw_socket = false;  ///< from a raw socket of a worker without a packet socket
  std::uint16_t gso_size = 0;    ///< payload bytes of each merged datagram; 0: not merged
};

/// An IPv4 packet, header included.
struct WirePacket {
  wire::MutableBytes bytes{};
  ReceiveOffload offload{};
};

/// The part of a tunnel's inbound flows that one worker receives, so that the packets of a flow stay in
/// order. Here a flow is identified by its inner addresses, and for TCP also by its ports. The ports of other
/// protocols are not used, because their packets may be fragments, which have no ports.
struct Share {
  std::uint32_t index = 0;  ///< of the worker, below `count`
  std::uint32_t count = 1;
  [[nodiscard]] constexpr bool is_first() const noexcept { return index == 0; }
  [[nodiscard]] constexpr bool is_all() const noexcept { return count == 1; }
};

/// An ICMP error from the IPv4 side about a packet of protocol 41, of this tunnel or another.
struct WireError {
  std::uint8_t type = 0;  ///< type and code of RFC 792
  std::uint8_t code = 0;
  std::uint16_t mtu = 0;  ///< MTU of the next hop for "fragmentation needed" (RFC 1191 §4); 0: unknown
  wire::Bytes quoted{};   ///< that packet from its IPv4 header on, often only the start
};

/// The memory of the packets stays valid until the next call. The status `empty` means that no further packet
/// is queued; `packets` may still hold the last ones.
struct ReceiveResult {
  std::span<const WirePacket> packets{};
  std::uint32_t lost = 0;  ///< packets lost since the last call because a queue was full
  IoStatus status = IoStatus::empty;
};

inline constexpr std::size_t tun_read_size =
    wire::vnet_header_size + 65575;  ///< offload data, header, payload

/// Limit of the parts of a packet written to tun, because older kernels limit a UDP super-packet to 64
/// datagrams (UDP_MAX_SEGMENTS).
inline constexpr std::size_t max_tun_parts = 64;

template <typename T>
concept TunSource = requires(T tun, wire::MutableBytes buffer) {
  { tun.read(buffer) }
  noexcept->std::same_as<ReadResult>;
};

template <typename T>
concept TunSink = requires(T tun, const wire::VnetHeader& offload, std::span<const wire::Bytes> parts) {
  /// Writes one packet that consists of at most `max_tun_parts` parts.
  { tun.write(offload, parts) }
  noexcept->std::same_as<IoStatus>;
  /// Whether packets may ask for this offload. The kernel may still refuse such a packet.
  { tun.takes(Offload::udp) }
  noexcept->std::same_as<bool>;
};

template <typename T>
concept WireSink = requires(T wire, std::span<const OuterPacket> batch) {
  { wire.send(batch) }
  noexcept->std::same_as<SendResult>;
  /// Whether packets may be sent with a checksum for the link to finish.
  { wire.finishes_checksums() }
  noexcept->std::same_as<bool>;
};

template <typename T>
concept WireSource = requires(T wire) {
  { wire.receive() }
  noexcept->std::same_as<ReceiveResult>;
  /// The memory of the quotation stays valid until the next call.
  { wire.next_error() }
  noexcept->std::same_as<std::optional<WireError>>;
};

}  // namespace sixin4::engine
