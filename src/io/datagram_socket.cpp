#include "sixin4/io/datagram_socket.hpp"

#include <bit>
#include <cstring>
#include <string>

#include <arpa/inet.h>
#include <linux/if_ether.h>

#include "sixin4/base/system_failure.hpp"
#include "sixin4/wire/ipv4.hpp"
#include "sixin4/wire/ipv6.hpp"
#include "sixin4/wire/transport.hpp"
#include "sixin4/wire/vnet_header.hpp"

#include "filter_program.hpp"
#include "socket_options.hpp"

namespace sixin4::io {

namespace {

constexpr int receive_buffer = 4 << 20;
constexpr std::uint32_t whole_packet = 0x40000;

/// Accepts the packets of the tunnel that the raw socket leaves to this one.
FilterProgram filter_of(const WireEnds& ends) {
  constexpr auto outer = static_cast<std::uint32_t>(SKF_NET_OFF);
  FilterProgram program;
  program.require_at(BPF_B, static_cast<std::uint32_t>(SKF_AD_OFF + SKF_AD_PKTTYPE), PACKET_HOST);
  program.require_at(BPF_B, outer + ipv4_offset::protocol, wire::protocol_ipv6);
  program.require_at(BPF_W, outer + ipv4_offset::source, filter_word(ends.remote));
  program.require_at(BPF_W, outer + ipv4_offset::destination, filter_word(ends.local));
  program.require_unfinished_datagram(Ipv4HeaderAt::network_offset);
  return program;
}

}  // namespace

DatagramSocket::DatagramSocket(const WireEnds& ends, const engine::Share& share)
    : fd_(open_packet_socket()), slots_(std::make_unique_for_overwrite<Slots>()) {
  FilterProgram program = filter_of(ends);
  program.require_share(share, Ipv4HeaderAt::network_offset);
  auto filter = program.keep(whole_packet);
  attach_filter(fd_, filter);
  set_option(fd_, SOL_PACKET, PACKET_VNET_HDR, int{1}, "offload data on a packet socket (PACKET_VNET_HDR)");
  set_option(fd_, SOL_PACKET, PACKET_AUXDATA, int{1}, "PACKET_AUXDATA");
  std::string small;  // not reported, because a small buffer suffices
  try_receive_buffer(fd_, receive_buffer, small);

  sockaddr_ll address{};
  address.sll_family = AF_PACKET;
  address.sll_protocol = htons(ETH_P_IP);
  address.sll_ifindex = ends.dev_index;
  if (::bind(fd_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) < 0) {
    throw base::system_failure("cannot bind a packet socket to link " + ends.dev);
  }
}

engine::ReceiveResult DatagramSocket::receive() noexcept {
  for (std::size_t i = 0; i < max_batch; ++i) {
    parts_[i] = {slots_->data() + i * slot_size, slot_size};
    messages_[i].msg_hdr.msg_iov = &parts_[i];
    messages_[i].msg_hdr.msg_iovlen = 1;
    messages_[i].msg_hdr.msg_control = control_[i].data();
    messages_[i].msg_hdr.msg_controllen = control_[i].size();
  }
  const int count = ::recvmmsg(fd_.get(), messages_.data(), max_batch, MSG_DONTWAIT, nullptr);
  if (count <= 0) return {.status = engine::IoStatus::empty};
  const auto received = static_cast<std::size_t>(count);
  for (std::size_t i = 0; i < received; ++i) packets_[i] = packet_in(i);
  return {.packets = std::span{packets_}.first(received),
          // A queue with a single packet was not full, so the system call is saved.
          .lost = received > 1 ? newly_lost() : 0,
          .status = engine::IoStatus::ok};
}

/// The packets lost since the last call because the queue was full. The kernel resets its count on every
/// read.
std::uint32_t DatagramSocket::newly_lost() const noexcept {
  tpacket_stats statistics{};
  socklen_t length = sizeof statistics;
  if (::getsockopt(fd_.get(), SOL_PACKET, PACKET_STATISTICS, &statistics, &length) < 0) return 0;
  return statistics.tp_drops;
}

/// The offload data come first, then the link header, if the link has one. The auxiliary data hold the offset
/// of the IPv4 header.
engine::WirePacket DatagramSocket::packet_in(std::size_t slot) noexcept {
  const auto bytes = wire::MutableBytes{*slots_}.subspan(slot * slot_size, messages_[slot].msg_len);
  engine::WirePacket packet{.offload = {.from_packet_socket = true}};
  const auto offload = wire::fixed<wire::vnet_header_size>(bytes);
  const cmsghdr* control = CMSG_FIRSTHDR(&messages_[slot].msg_hdr);
  if (!offload || control == nullptr || control->cmsg_type != PACKET_AUXDATA) return packet;
  tpacket_auxdata auxiliary{};
  std::memcpy(&auxiliary, CMSG_DATA(control), sizeof auxiliary);
  const std::size_t start = wire::vnet_header_size + auxiliary.tp_net;
  if (start < bytes.size()) packet.bytes = bytes.subspan(start);
  const wire::VnetHeader header = wire::read_vnet_header(*offload, std::endian::native);
  if (header.gso == wire::Gso::udp) packet.offload.gso_size = header.gso_size;
  return packet;
}

}  // namespace sixin4::io
