// The virtio-net header before each packet of a tun device with IFF_VNET_HDR or a packet socket with
// PACKET_VNET_HDR. It describes an unfinished checksum and how to cut a super-packet (VIRTIO 1.2 §5.1.6,
// linux/virtio_net.h).
#pragma once

#include <bit>
#include <cstdint>

#include "sixin4/wire/bytes.hpp"

namespace sixin4::wire {

inline constexpr std::size_t vnet_header_size = 10;

/// The kind of super-packet; values of `gso_type` without the ECN bit.
enum class Gso : std::uint8_t { none = 0, tcp4 = 1, udp_fragments = 3, tcp6 = 4, udp = 5 };

struct VnetHeader {
  bool needs_checksum = false;  ///< the checksum field holds the pseudo-header sum only
  Gso gso = Gso::none;
  bool gso_ecn = false;               ///< TCP CWR is set; only the first segment keeps it
  std::uint16_t header_length = 0;    ///< of all headers; a hint, and wrong in packets read from Linux
  std::uint16_t gso_size = 0;         ///< payload bytes of a segment
  std::uint16_t checksum_start = 0;   ///< offset of the transport header
  std::uint16_t checksum_offset = 0;  ///< offset of the field from `checksum_start`

  bool operator==(const VnetHeader&) const = default;
};

/// `order`: little for a tun device with TUNSETVNETLE, else the byte order of the machine, also for packet
/// sockets.
[[nodiscard]] VnetHeader read_vnet_header(std::span<const std::uint8_t, vnet_header_size> bytes,
                                          std::endian order) noexcept;
void write_vnet_header(std::span<std::uint8_t, vnet_header_size> bytes, const VnetHeader& header,
                       std::endian order) noexcept;

}  // namespace sixin4::wire
