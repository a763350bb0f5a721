// The shapes in which packets enter and leave the engine, and what the two ends that carry them must offer.
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

/// What offload data may ask of the device or the link that takes a packet.
enum class Offload : std::uint8_t {
  checksum,  ///< to finish a checksum
  tcp,       ///< to cut a TCP super-packet
  udp,       ///< to cut a UDP super-packet
  count_     ///< not an offload: how many there are
};
inline constexpr std::size_t offload_count = static_cast<std::size_t>(Offload::count_);

/// Nothing where a packet is complete as it is.
[[nodiscard]] constexpr std::optional<Offload> offload_asked_by(const wire::VnetHeader& header) noexcept {
  if (header.gso == wire::Gso::udp) return Offload::udp;
  if (header.gso != wire::Gso::none) return Offload::tcp;
  return header.needs_checksum ? std::optional{Offload::checksum} : std::nullopt;
}

/// An IPv6 packet, or a super-packet with the offload data that says how to finish it.
struct TunPacket {
  wire::VnetHeader offload{};
  wire::MutableBytes bytes{};
};

/// An inner checksum that the link is to finish: offsets of the transport header, and from there of the
/// field, which holds the pseudo-header sum. Start 0: nothing is unfinished.
struct UnfinishedChecksum {
  std::uint16_t start = 0;
  std::uint16_t offset = 0;
  bool operator==(const UnfinishedChecksum&) const = default;
};

/// A packet keeps its number through all of its forms. Of one tunnel no two packets have the same.
using PacketId = std::uint64_t;

/// An IPv4 packet to send, in two parts so that payload need not move. Borrowed until the batch is sent.
struct OuterPacket {
  wire::Bytes head;                ///< the outer header, and inner headers that had to be rewritten
  wire::Bytes body;                ///< the rest
  std::uint32_t inner_length = 0;  ///< of the inner packet that ends here; 0 for all but its last fragment
  /// Where the link is to finish the inner checksum: offset of the transport header from the start of the
  /// outer one; 0: nothing is unfinished.
  std::uint16_t checksum_start = 0;
  std::uint16_t checksum_offset = 0;  ///< of the field, which holds the pseudo-header sum, from there
  PacketId id = 0;                    ///< of the packet that this one, or a part of it, carries
};

enum class IoStatus : std::uint8_t {
  ok,
  empty,    ///< nothing to read now
  full,     ///< nothing more can be written now
  down,     ///< the interface is down; it may come back
  gone,     ///< the interface was deleted
  error,    ///< this packet was refused
  refused,  ///< this packet was refused, and may pass without its offload data
};

struct ReadResult {
  IoStatus status = IoStatus::empty;
  TunPacket packet{};  ///< within the buffer that was given, where the status is ok
};

/// `sent` packets from the start of the batch have left, at least one where the status is ok; any other
/// status tells of the one behind them.
struct SendResult {
  std::size_t sent = 0;
  IoStatus status = IoStatus::ok;
};

/// What is known of a received packet beside its bytes. A raw socket knows nothing. A packet socket knows
/// whether receive offload has joined packets, and of what size; the same packets come over the raw socket
/// too.
struct ReceiveOffload {
  bool known = false;
  bool alone = false;          ///< of a raw socket: there is no packet socket beside it
  std::uint16_t gso_size = 0;  ///< payload bytes of each datagram that was joined; 0: none was
};

/// An IPv4 packet, header included.
struct WirePacket {
  wire::MutableBytes bytes{};
  ReceiveOffload offload{};
};

/// A worker's part of a tunnel: every flow belongs to one worker, so that its packets stay in order. A flow
/// is what has the same inner addresses, and where it is TCP the same ports: other packets may be fragments,
/// which have none.
struct Share {
  std::uint32_t index = 0;  ///< of the worker, below `count`
  std::uint32_t count = 1;
  [[nodiscard]] constexpr bool is_first() const noexcept { return index == 0; }
  [[nodiscard]] constexpr bool is_all() const noexcept { return count == 1; }
};

/// An ICMP error that a packet of ours has met on the IPv4 side.
struct WireError {
  std::uint8_t type = 0;  ///< and code: those of RFC 792
  std::uint8_t code = 0;
  std::uint16_t mtu = 0;  ///< of the next hop, where fragmentation is needed (RFC 1191 §4); 0: not told
  wire::Bytes quoted{};   ///< that packet from its IPv4 header on, more often than not only its start
};

/// The packets' memory stays valid until the next call. There may be some where the status is `empty`, too:
/// the last ones.
struct ReceiveResult {
  std::span<const WirePacket> packets{};
  std::uint32_t lost = 0;  ///< packets since the last call for which there was no room
  IoStatus status = IoStatus::empty;
};

inline constexpr std::size_t tun_read_size =
    wire::vnet_header_size + 65575;  ///< offload data, header, payload

/// Of a packet that is written to tun: as many as a UDP super-packet has datagrams at most
/// (UDP_MAX_SEGMENTS of older kernels).
inline constexpr std::size_t max_tun_parts = 64;

template <typename T>
concept TunSource = requires(T tun, wire::MutableBytes buffer) {
  { tun.read(buffer) }
  noexcept->std::same_as<ReadResult>;
};

template <typename T>
concept TunSink = requires(T tun, const wire::VnetHeader& offload, std::span<const wire::Bytes> parts) {
  /// One packet, put together from at most `max_tun_parts`.
  { tun.write(offload, parts) }
  noexcept->std::same_as<IoStatus>;
  /// Whether a packet may ask for that. A kernel that says so may refuse such packets all the same.
  { tun.takes(Offload::udp) }
  noexcept->std::same_as<bool>;
};

template <typename T>
concept WireSink = requires(T wire, std::span<const OuterPacket> batch) {
  { wire.send(batch) }
  noexcept->std::same_as<SendResult>;
  /// Whether a packet may go out with a checksum that the link is to finish.
  { wire.finishes_checksums() }
  noexcept->std::same_as<bool>;
};

template <typename T>
concept WireSource = requires(T wire) {
  { wire.receive() }
  noexcept->std::same_as<ReceiveResult>;
  /// Its memory stays valid until the next call.
  { wire.next_error() }
  noexcept->std::same_as<std::optional<WireError>>;
};

}  // namespace sixin4::engine
