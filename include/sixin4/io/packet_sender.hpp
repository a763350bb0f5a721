// Sends on the IPv4 side through a packet socket (packet(7)): directly into a link, past the host's routing
// and packet filters.
#pragma once

#include <array>
#include <cstdint>

#include "sixin4/engine/packet.hpp"
#include "sixin4/io/batch_socket.hpp"
#include "sixin4/io/features.hpp"
#include "sixin4/io/wire_ends.hpp"
#include "sixin4/wire/vnet_header.hpp"

namespace sixin4::io {

/// Sends IPv4 packets to a next hop with Ethernet headers. For one thread.
class PacketSender {
 public:
  /// Throws std::system_error that names the failed call and the remedy.
  explicit PacketSender(const NextHop& next_hop);

  /// False if the next hop's links do not finish checksums, or the kernel takes no offload data on a packet
  /// socket.
  [[nodiscard]] bool finishes_checksums() const noexcept { return finishes_checksums_; }
  [[nodiscard]] const Features& features() const noexcept { return features_; }
  /// Sends the batch from its start. May wait up to 20 ms before it returns `full`.
  [[nodiscard]] engine::SendResult send(std::span<const engine::OuterPacket> batch) noexcept;

 private:
  static constexpr std::size_t ethernet_header_size = 14;
  using LinkHeader = std::array<std::uint8_t, wire::vnet_header_size + ethernet_header_size>;

  Features features_;
  BatchSocket socket_;
  bool offload_data_;  ///< a virtio-net header precedes each frame
  bool finishes_checksums_;
  std::array<LinkHeader, BatchSocket::max_batch> link_headers_{};
};

}  // namespace sixin4::io
