#include "sixin4/io/raw_socket.hpp"

#include <bit>
#include <cerrno>
#include <cstring>
#include <system_error>

#include <arpa/inet.h>
#include <linux/filter.h>
#include <netinet/in.h>
#include <poll.h>

#include "sixin4/wire/ipv4.hpp"

namespace sixin4::io {

namespace {

constexpr int send_buffer = 1 << 20;
constexpr int receive_buffer =
    8 << 20;  // charged by the memory that packets take, twice their length and more
constexpr int strangers_buffer = 256 << 10;
constexpr int full_wait_ms = 20;

[[noreturn]] void refuse(const std::string& what) {
  throw std::system_error(errno, std::generic_category(), what);
}

FileDescriptor open_raw(int protocol) {
  FileDescriptor fd{::socket(AF_INET, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol)};
  if (!fd) {
    refuse(errno == EPERM ? "cannot open a raw socket: needs CAP_NET_RAW; run as root, or give the capability"
                          : "cannot open a raw socket");
  }
  return fd;
}

template <typename Value>
void set_option(const FileDescriptor& fd, int level, int option, const Value& value, const char* what) {
  if (::setsockopt(fd.get(), level, option, &value, sizeof value) < 0)
    refuse(std::string{"cannot set "} + what);
}

/// Past the host's limit where that is allowed, up to it where not.
void set_buffer(const FileDescriptor& fd, int forced_option, int option, int size) {
  if (::setsockopt(fd.get(), SOL_SOCKET, forced_option, &size, sizeof size) == 0) return;
  set_option(fd, SOL_SOCKET, option, size, "the size of a socket's buffer");
}

void bind_to_link(const FileDescriptor& fd, const std::string& dev) {
  if (dev.empty()) return;
  if (::setsockopt(fd.get(), SOL_SOCKET, SO_BINDTODEVICE, dev.data(), static_cast<socklen_t>(dev.size())) <
      0) {
    refuse("cannot bind to link " + dev + " (SO_BINDTODEVICE)");
  }
}

sockaddr_in socket_address(const wire::Ipv4Address& address) noexcept {
  sockaddr_in result{};
  result.sin_family = AF_INET;
  result.sin_addr.s_addr = std::bit_cast<std::uint32_t>(address.octets);
  return result;
}

std::string text(const wire::Ipv4Address& address) {
  std::array<char, INET_ADDRSTRLEN> buffer{};
  ::inet_ntop(AF_INET, address.octets.data(), buffer.data(), buffer.size());
  return buffer.data();
}

template <std::size_t Size>
void attach_filter(const FileDescriptor& fd, std::array<sock_filter, Size> program) {
  const sock_fprog filter{.len = Size, .filter = program.data()};
  set_option(fd, SOL_SOCKET, SO_ATTACH_FILTER, filter, "a socket filter (SO_ATTACH_FILTER)");
}

/// A socket filter sees a raw socket's packets from the IPv4 header on; its result is how many bytes to keep.
void keep_nothing(const FileDescriptor& fd) {
  attach_filter(fd, std::array{sock_filter BPF_STMT(BPF_RET | BPF_K, 0)});
}

void keep_heads_of_strangers(const FileDescriptor& fd, const WireEnds& ends) {
  constexpr std::uint32_t head = 128;
  const auto local = ntohl(std::bit_cast<std::uint32_t>(ends.local.octets));
  const auto remote = ntohl(std::bit_cast<std::uint32_t>(ends.remote.octets));
  attach_filter(fd, std::array{
                        sock_filter BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 12),
                        sock_filter BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, remote, 0, 3),
                        sock_filter BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 16),
                        sock_filter BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, local, 0, 1),
                        sock_filter BPF_STMT(BPF_RET | BPF_K, 0),
                        sock_filter BPF_STMT(BPF_RET | BPF_K, head),
                    });
}

}  // namespace

// IPPROTO_RAW: headers are ours, and nothing is ever received, so that no ICMP error of the path turns up
// as the failure of an unrelated send.
RawSender::RawSender(const WireEnds& ends) : fd_(open_raw(IPPROTO_RAW)) {
  bind_to_link(fd_, ends.dev);
  set_buffer(fd_, SO_SNDBUFFORCE, SO_SNDBUF, send_buffer);
  // The engine minds the path MTU: the kernel is not to judge by what it has learnt of the path itself.
  set_option(fd_, IPPROTO_IP, IP_MTU_DISCOVER, int{IP_PMTUDISC_PROBE}, "IP_MTU_DISCOVER");
  const sockaddr_in remote = socket_address(ends.remote);
  if (::connect(fd_.get(), reinterpret_cast<const sockaddr*>(&remote), sizeof remote) < 0) {
    refuse("cannot connect a raw socket to " + text(ends.remote) + ": there must be an IPv4 route to it");
  }
}

engine::SendResult RawSender::send(std::span<const engine::OuterPacket> batch) noexcept {
  const std::size_t count = std::min(batch.size(), max_batch);
  for (std::size_t i = 0; i < count; ++i) {
    // sendmmsg only reads, whatever iovec says
    parts_[i][0] = {const_cast<std::uint8_t*>(batch[i].head.data()), batch[i].head.size()};
    parts_[i][1] = {const_cast<std::uint8_t*>(batch[i].body.data()), batch[i].body.size()};
    messages_[i].msg_hdr.msg_iov = parts_[i].data();
    messages_[i].msg_hdr.msg_iovlen = batch[i].body.empty() ? 1 : 2;
  }
  bool waited = false;
  for (;;) {
    const int sent = ::sendmmsg(fd_.get(), messages_.data(), static_cast<unsigned>(count), 0);
    if (sent >= 0) return {.sent = static_cast<std::size_t>(sent), .status = engine::IoStatus::ok};
    switch (errno) {
      case EINTR:
        continue;
      case EAGAIN: {
        if (waited) return {.sent = 0, .status = engine::IoStatus::full};
        pollfd writable{.fd = fd_.get(), .events = POLLOUT, .revents = 0};
        (void)::poll(&writable, 1, full_wait_ms);
        waited = true;
        continue;
      }
      case ENOBUFS:
      case ENOMEM:
        return {.sent = 0, .status = engine::IoStatus::full};
      default:
        return {.sent = 0, .status = engine::IoStatus::error};
    }
  }
}

RawReceiver::RawReceiver(const WireEnds& ends)
    : peer_(open_raw(wire::protocol_ipv6)),
      strangers_(open_raw(wire::protocol_ipv6)),
      guard_(open_raw(wire::protocol_ipv6)),
      slots_(max_batch * slot_size) {
  // The guard first: from here on nothing is answered.
  keep_nothing(guard_);
  keep_heads_of_strangers(strangers_, ends);
  set_buffer(strangers_, SO_RCVBUFFORCE, SO_RCVBUF, strangers_buffer);

  bind_to_link(peer_, ends.dev);
  set_buffer(peer_, SO_RCVBUFFORCE, SO_RCVBUF, receive_buffer);
  const sockaddr_in local = socket_address(ends.local);
  if (::bind(peer_.get(), reinterpret_cast<const sockaddr*>(&local), sizeof local) < 0) {
    refuse("cannot bind a raw socket to " + text(ends.local) +
           (errno == EADDRNOTAVAIL ? ": 'local' must be an IPv4 address of this host" : ""));
  }
  const sockaddr_in remote = socket_address(ends.remote);
  if (::connect(peer_.get(), reinterpret_cast<const sockaddr*>(&remote), sizeof remote) < 0) {
    refuse("cannot connect a raw socket to " + text(ends.remote) + ": there must be an IPv4 route to it");
  }
}

engine::ReceiveResult RawReceiver::receive() noexcept {
  const engine::ReceiveResult from_peer = receive_from(peer_.get());
  return from_peer.status == engine::IoStatus::empty ? receive_from(strangers_.get()) : from_peer;
}

engine::ReceiveResult RawReceiver::receive_from(int fd) noexcept {
  for (std::size_t i = 0; i < max_batch; ++i) {
    parts_[i] = {slots_.data() + i * slot_size, slot_size};
    messages_[i].msg_hdr.msg_iov = &parts_[i];
    messages_[i].msg_hdr.msg_iovlen = 1;
  }
  const int count = ::recvmmsg(fd, messages_.data(), max_batch, MSG_DONTWAIT, nullptr);
  if (count < 0) {
    // Anything but an empty queue is an ICMP error of the path, reported once; the next call goes on.
    return {.status = errno == EAGAIN ? engine::IoStatus::empty : engine::IoStatus::ok};
  }
  const auto received = static_cast<std::size_t>(count);
  for (std::size_t i = 0; i < received; ++i) {
    datagrams_[i] = wire::MutableBytes{slots_}.subspan(i * slot_size, messages_[i].msg_len);
  }
  return {.datagrams = std::span{datagrams_}.first(received), .status = engine::IoStatus::ok};
}

}  // namespace sixin4::io
