#include "sixin4/io/packet_sender.hpp"

#include <algorithm>
#include <bit>
#include <string>

#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <sys/socket.h>

#include "sixin4/base/system_failure.hpp"

#include "socket_options.hpp"

namespace sixin4::io {

namespace {

constexpr int send_buffer = 1 << 20;

wire::VnetHeader offload_of(const engine::OuterPacket& packet) noexcept {
  if (packet.checksum_start == 0) return {};
  return {.needs_checksum = true,
          .checksum_start = static_cast<std::uint16_t>(ETH_HLEN + packet.checksum_start),
          .checksum_offset = packet.checksum_offset};
}

base::FileDescriptor open_towards(const NextHop& next_hop, Features& features) {
  // Protocol 0: the socket receives nothing.
  base::FileDescriptor fd = open_packet_socket();
  try_send_buffer(fd, send_buffer, features["send-buffer"]);
  sockaddr_ll link{};
  link.sll_family = AF_PACKET;
  link.sll_ifindex = next_hop.link_index;
  if (::bind(fd.get(), reinterpret_cast<const sockaddr*>(&link), sizeof link) < 0) {
    throw base::system_failure("cannot bind a packet socket to link " + std::to_string(next_hop.link_index));
  }
  return fd;
}

/// A missing service is reported only if the link is to finish checksums.
bool take_offload_data(const base::FileDescriptor& fd, const NextHop& next_hop, Features& features) {
  std::string missing;
  const bool taken = try_option(fd, SOL_PACKET, PACKET_VNET_HDR, int{1}, "PACKET_VNET_HDR", missing);
  if (next_hop.finishes_checksums) features["send-checksum"] = missing;
  return taken;
}

}  // namespace

PacketSender::PacketSender(const NextHop& next_hop)
    : socket_(open_towards(next_hop, features_)),
      offload_data_(take_offload_data(socket_.fd(), next_hop, features_)),
      finishes_checksums_(next_hop.finishes_checksums && offload_data_) {
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
    const std::span header{link_headers_[i]};
    wire::write_vnet_header(header.first<wire::vnet_header_size>(), offload_of(batch[i]),
                            std::endian::native);
    socket_.put(i, header.subspan(offload_data_ ? 0 : wire::vnet_header_size), batch[i]);
  }
  return socket_.send(count);
}

}  // namespace sixin4::io
