#include "sixin4/io/packet_sender.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <sys/socket.h>

#include "socket_options.hpp"

namespace sixin4::io {

namespace {

constexpr int send_buffer = 1 << 20;

/// Writes a number of the offload header, which a packet socket takes in the machine's byte order.
template <std::size_t Offset>
void store_native16(std::span<std::uint8_t, wire::vnet_header_size> header, std::uint16_t value) noexcept {
  static_assert(Offset + sizeof value <= wire::vnet_header_size);
  std::memcpy(&header[Offset], &value, sizeof value);
}

/// The layout of linux/virtio_net.h, which does not compile as C++: flags, GSO type, header length, GSO
/// size, checksum start and offset.
void write_offload(std::span<std::uint8_t, wire::vnet_header_size> header,
                   const engine::OuterPacket& packet) noexcept {
  const bool unfinished = packet.checksum_start != 0;
  wire::store8<0>(header, unfinished ? 1 : 0);  // VIRTIO_NET_HDR_F_NEEDS_CSUM
  store_native16<6>(header, unfinished ? static_cast<std::uint16_t>(ETH_HLEN + packet.checksum_start) : 0);
  store_native16<8>(header, packet.checksum_offset);
}

FileDescriptor open_towards(const NextHop& next_hop) {
  // Protocol 0: nothing is ever received.
  FileDescriptor fd = open_packet_socket();
  set_option(fd, SOL_PACKET, PACKET_VNET_HDR, int{1}, "offload data on a packet socket (PACKET_VNET_HDR)");
  set_send_buffer(fd, send_buffer);
  sockaddr_ll link{};
  link.sll_family = AF_PACKET;
  link.sll_ifindex = next_hop.link_index;
  if (::bind(fd.get(), reinterpret_cast<const sockaddr*>(&link), sizeof link) < 0) {
    refuse("cannot bind a packet socket to link " + std::to_string(next_hop.link_index));
  }
  return fd;
}

}  // namespace

PacketSender::PacketSender(const NextHop& next_hop)
    : socket_(open_towards(next_hop)), finishes_checksums_(next_hop.finishes_checksums) {
  for (LinkHeader& header : link_headers_) {
    const auto frame = std::span{header}.subspan<wire::vnet_header_size>();
    std::ranges::copy(next_hop.destination.address.octets, frame.begin());
    std::ranges::copy(next_hop.source.address.octets, frame.subspan<6>().begin());
    wire::store16<12>(frame, ETH_P_IP);
  }
}

engine::SendResult PacketSender::send(std::span<const engine::OuterPacket> batch) noexcept {
  const std::size_t count = std::min(batch.size(), BatchSocket::max_batch);
  for (std::size_t i = 0; i < count; ++i) {
    write_offload(std::span{link_headers_[i]}.first<wire::vnet_header_size>(), batch[i]);
    socket_.put(i, link_headers_[i], batch[i]);
  }
  return socket_.send(count);
}

}  // namespace sixin4::io
