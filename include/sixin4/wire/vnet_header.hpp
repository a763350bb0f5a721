// The virtio-net header that a tun device opened with IFF_VNET_HDR puts in front of each packet: which
// checksum is unfinished, and how a super-packet is to be cut (VIRTIO 1.2 §5.1.6, linux/virtio_net.h).
#pragma once

#include <bit>
#include <cstdint>

#include "sixin4/wire/bytes.hpp"

namespace sixin4::wire {

inline constexpr std::size_t vnet_header_size = 10;

/// Which kind of super-packet; values as in `gso_type`, without the ECN bit.
enum class Gso : std::uint8_t { none = 0, tcp4 = 1, udp_fragments = 3, tcp6 = 4, udp = 5 };

struct VnetHeader {
  bool needs_checksum =
      false;  ///< the field at `checksum_start + checksum_offset` holds the pseudo-header sum only
  Gso gso = Gso::none;
  bool gso_ecn = false;               ///< TCP CWR is set: it belongs on the first segment only
  std::uint16_t header_length = 0;    ///< of all headers; a hint that Linux fills wrongly on read
  std::uint16_t gso_size = 0;         ///< payload bytes a segment
  std::uint16_t checksum_start = 0;   ///< of the transport header, from the start of the packet
  std::uint16_t checksum_offset = 0;  ///< of the field, from `checksum_start`

  bool operator==(const VnetHeader&) const = default;
};

/// `order` is little for a tun device that has taken TUNSETVNETLE, and else the machine's; packet sockets
/// know the machine's only.
[[nodiscard]] VnetHeader read_vnet_header(std::span<const std::uint8_t, vnet_header_size> bytes,
                                          std::endian order) noexcept;
void write_vnet_header(std::span<std::uint8_t, vnet_header_size> bytes, const VnetHeader& header,
                       std::endian order) noexcept;

}  // namespace sixin4::wire
