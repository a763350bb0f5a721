#include "sixin4/io/raw_socket.hpp"

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <ctime>
#include <string>
#include <system_error>
#include <utility>

#include <arpa/inet.h>
#include <linux/errqueue.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <poll.h>

#include "sixin4/base/system_failure.hpp"
#include "sixin4/wire/ipv4.hpp"

#include "filter_program.hpp"
#include "socket_options.hpp"

namespace sixin4::io {

namespace {

constexpr int send_buffer = 1 << 20;
constexpr int receive_buffer =
    8 << 20;  // charged by the memory that packets take, twice their length and more
constexpr int strangers_buffer = 256 << 10;
constexpr unsigned receives_between_looks = 16;

base::FileDescriptor open_raw(int protocol) {
  base::FileDescriptor fd{::socket(AF_INET, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol)};
  if (!fd) {
    throw base::system_failure(
        errno == EPERM ? "cannot open a raw socket: needs CAP_NET_RAW; run as root, or give the capability"
                       : "cannot open a raw socket");
  }
  return fd;
}

void bind_to_link(const base::FileDescriptor& fd, const std::string& dev) {
  if (dev.empty()) return;
  if (::setsockopt(fd.get(), SOL_SOCKET, SO_BINDTODEVICE, dev.data(), static_cast<socklen_t>(dev.size())) <
      0) {
    throw base::system_failure("cannot bind to link " + dev + " (SO_BINDTODEVICE)");
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

void bind_to_address(const base::FileDescriptor& fd, const wire::Ipv4Address& address) {
  const sockaddr_in local = socket_address(address);
  if (::bind(fd.get(), reinterpret_cast<const sockaddr*>(&local), sizeof local) == 0) return;
  throw base::system_failure(
      "cannot bind a raw socket to " + text(address) +
      (errno == EADDRNOTAVAIL ? ": 'local' must be an IPv4 address of this host" : ""));
}

void connect_to(const base::FileDescriptor& fd, const wire::Ipv4Address& address) {
  const sockaddr_in remote = socket_address(address);
  if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&remote), sizeof remote) < 0) {
    throw base::system_failure("cannot connect a raw socket to " + text(address) +
                               ": there must be an IPv4 route to it");
  }
}

/// A socket filter sees a raw socket's packets from the IPv4 header on; its result is how many bytes to keep.
std::array<sock_filter, 1> filter_that_keeps_nothing() noexcept {
  return {sock_filter BPF_STMT(BPF_RET | BPF_K, 0)};
}

/// From socket(2) on the kernel queues every packet of protocol 41. This one has a filter that keeps nothing,
/// for the time of its set-up; `forget_others` throws away what was there before it.
base::FileDescriptor open_receiver() {
  base::FileDescriptor fd = open_raw(wire::protocol_ipv6);
  auto nothing = filter_that_keeps_nothing();
  attach_filter(fd, nothing);
  return fd;
}

void forget_others(const base::FileDescriptor& fd) {
  char first = 0;  // the kernel throws the rest of a packet away
  // Anything but an empty queue is an ICMP error, reported once; a sandbox may refuse every call.
  for (int errors = 0; errors < 16;) {
    if (::recv(fd.get(), &first, sizeof first, 0) >= 0) continue;
    if (errno == EAGAIN) return;
    ++errors;
  }
}

/// This worker's part of the packets, without those that are the packet socket's where there is one: a merged
/// one is 64 KiB that would be copied for nothing.
void keep_own(const base::FileDescriptor& fd, const engine::Share& share, bool has_packet_socket) {
  FilterProgram program;
  if (has_packet_socket) program.refuse_unfinished_datagram(Ipv4HeaderAt::start);
  program.require_share(share, Ipv4HeaderAt::start);
  auto filter = program.keep(wire::ipv4_max_packet);
  attach_filter(fd, filter);
}

/// ICMP errors that quote a packet from its IPv4 header on (net/ipv4/raw.c, raw_err). Their queue never fills
/// the socket up: what does not leave room behind it is not queued (net/core/skbuff.c, sock_queue_err_skb).
void hear_errors(const base::FileDescriptor& fd, std::string& missing) {
  const bool heard = try_option(fd, IPPROTO_IP, IP_HDRINCL, int{1}, "IP_HDRINCL", missing) &&
                     try_option(fd, IPPROTO_IP, IP_RECVERR, int{1}, "IP_RECVERR", missing);
  if (!heard) {
    missing += ", so that no path MTU is learnt from routers";
    return;
  }
  // Since Linux 5.9; without it an extension counts as quoted.
  const int extensions = 1;
  (void)::setsockopt(fd.get(), IPPROTO_IP, IP_RECVERR_RFC4884, &extensions, sizeof extensions);
}

void keep_heads_of_strangers(const base::FileDescriptor& fd, const WireEnds& ends) {
  constexpr std::uint32_t head = 128;
  std::array program{
      sock_filter BPF_STMT(BPF_LD | BPF_W | BPF_ABS, ipv4_offset::source),
      sock_filter BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, filter_word(ends.remote), 0, 3),
      sock_filter BPF_STMT(BPF_LD | BPF_W | BPF_ABS, ipv4_offset::destination),
      sock_filter BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, filter_word(ends.local), 0, 1),
      sock_filter BPF_STMT(BPF_RET | BPF_K, 0),
      sock_filter BPF_STMT(BPF_RET | BPF_K, head),
  };
  attach_filter(fd, program);
}

base::FileDescriptor open_sender(const WireEnds& ends, Features& features) {
  // IPPROTO_RAW: headers are ours, and nothing is ever received, so that no ICMP error of the path turns up
  // as the failure of an unrelated send.
  base::FileDescriptor fd = open_raw(IPPROTO_RAW);
  bind_to_link(fd, ends.dev);
  try_send_buffer(fd, send_buffer, features["send-buffer"]);
  // The engine minds the path MTU: the kernel is not to judge by what it has learnt of the path itself.
  (void)try_option(fd, IPPROTO_IP, IP_MTU_DISCOVER, int{IP_PMTUDISC_PROBE}, "IP_MTU_DISCOVER",
                   features["send-own-path-mtu"]);
  // An error of a full queue reaches the sender only where errors are asked for (net/ipv4/raw.c,
  // raw_send_hdrinc).
  (void)try_option(fd, IPPROTO_IP, IP_RECVERR, int{1}, "IP_RECVERR", features["send-errors"]);
  bind_to_address(fd, ends.local);  // policy rules may send this address out of another link
  connect_to(fd, ends.remote);
  return fd;
}

}  // namespace

RawSender::RawSender(const WireEnds& ends) : socket_(open_sender(ends, features_)) {}

engine::SendResult RawSender::send(std::span<const engine::OuterPacket> batch) noexcept {
  const std::size_t count = std::min(batch.size(), BatchSocket::max_batch);
  for (std::size_t i = 0; i < count; ++i) socket_.put(i, {}, batch[i]);
  return socket_.send(count);
}

RawReceiver::RawReceiver(const WireEnds& ends, const engine::Share& share)
    : local_(ends.local),
      remote_(ends.remote),
      peer_(open_raw(wire::protocol_ipv6)),
      slots_(std::make_unique_for_overwrite<Slots>()),
      parts_(max_batch),
      messages_(max_batch) {
  for (std::size_t i = 0; i < max_batch; ++i) {
    parts_[i] = {slots_->data() + i * slot_size, slot_size};
    messages_[i].msg_hdr.msg_iov = &parts_[i];
    messages_[i].msg_hdr.msg_iovlen = 1;
  }

  auto nothing = filter_that_keeps_nothing();
  std::string& missing = features_["receive-filter"];
  filters_ = try_filter(peer_, nothing, missing);
  if (!filters_ && !share.is_all()) {
    throw base::system_failure(
        "cannot share the tunnel's packets between workers (SO_ATTACH_FILTER); 'queues = 1' does without");
  }
  if (!filters_)
    missing += ", so that this host may answer with ICMP when packets come faster than they are read";
  open_datagrams(ends, share);
  if (share.is_first()) open_helpers(ends);
  bind_to_link(peer_, ends.dev);
  try_receive_buffer(peer_, receive_buffer, features_["receive-buffer"]);
  bind_to_address(peer_, ends.local);
  connect_to(peer_, ends.remote);
  if (filters_) {
    forget_others(peer_);
    keep_own(peer_, share, datagrams_.has_value());
  }
  const auto lost = lost_so_far();
  features_["receive-loss-count"] = lost ? "" : refusal_of("SO_MEMINFO");
  lost_ = lost.value_or(0);
}

void RawReceiver::need_filters() {
  (void)open_receiver();
}

void RawReceiver::open_datagrams(const WireEnds& ends, const engine::Share& share) {
  std::string& missing = features_["receive-joined-udp"];
  if (!filters_) {
    missing = "needs receive-filter; long ones are dropped as inner-joined";
    return;
  }
  try {
    datagrams_.emplace(ends, share);
  } catch (const std::system_error& error) {
    missing = std::string{error.what()} + ", so that long ones are dropped as inner-joined";
  }
}

void RawReceiver::open_helpers(const WireEnds& ends) {
  // The guard first: from here on nothing is answered.
  if (filters_) {
    guard_ = open_receiver();
    forget_others(guard_);
  }
  strangers_ = filters_ ? open_receiver() : open_raw(wire::protocol_ipv6);
  hear_errors(errors(), features_["receive-icmp-errors"]);
  try_receive_buffer(strangers_, strangers_buffer, features_["receive-buffer"]);
  if (!filters_) return;
  forget_others(strangers_);
  keep_heads_of_strangers(strangers_, ends);
}

void RawReceiver::look(int wake, int timeout_ms) noexcept {
  // poll(2) passes by a descriptor of -1, and reports errors whatever it is asked for.
  std::array<pollfd, 5> polled{{{.fd = peer_.get(), .events = POLLIN, .revents = 0},
                                {.fd = datagrams_ ? datagrams_->fd() : -1, .events = POLLIN, .revents = 0},
                                {.fd = errors().get(), .events = 0, .revents = 0},
                                {.fd = strangers_.get(), .events = POLLIN, .revents = 0},
                                {.fd = wake, .events = POLLIN, .revents = 0}}};
  if (::poll(polled.data(), polled.size(), timeout_ms) < 0) return;
  readable_ = {.peer = polled[0].revents != 0,
               .datagrams = polled[1].revents != 0,
               .errors = polled[2].revents != 0,
               .strangers = polled[3].revents != 0};
}

engine::ReceiveResult RawReceiver::receive() noexcept {
  // Where one socket's packets never stop coming, the others are looked at all the same.
  const bool look_again = ++receives_ % receives_between_looks == 0;
  if (look_again || !readable_.packets()) look(-1, 0);
  while (readable_.packets()) {
    engine::ReceiveResult result = receive_next();
    if (result.status == engine::IoStatus::empty) continue;
    if (!readable_.packets()) result.status = engine::IoStatus::empty;
    return result;
  }
  return {.status = engine::IoStatus::empty};
}

engine::ReceiveResult RawReceiver::receive_next() noexcept {
  datagrams_next_ = !datagrams_next_;
  if (readable_.datagrams && (datagrams_next_ || !readable_.peer)) {
    const engine::ReceiveResult result = datagrams_->receive();
    readable_.datagrams = result.packets.size() == DatagramSocket::max_batch;
    return result;
  }
  bool& readable = readable_.peer ? readable_.peer : readable_.strangers;
  const engine::ReceiveResult result = receive_from(readable_.peer ? peer_.get() : strangers_.get());
  const bool reported_error = result.status == engine::IoStatus::ok && result.packets.empty();
  readable = reported_error || result.packets.size() == max_batch;
  return result;
}

engine::ReceiveResult RawReceiver::receive_from(int fd) noexcept {
  const int count = ::recvmmsg(fd, messages_.data(), max_batch, MSG_DONTWAIT, nullptr);
  if (count < 0) {
    // Anything but an empty queue is an ICMP error, reported once; the next call goes on.
    return {.status = errno == EAGAIN ? engine::IoStatus::empty : engine::IoStatus::ok};
  }
  auto received = static_cast<std::size_t>(count);
  for (std::size_t i = 0; i < received; ++i) {
    packets_[i] = {.bytes = wire::MutableBytes{*slots_}.subspan(i * slot_size, messages_[i].msg_len),
                   .offload = {.alone = !datagrams_}};
  }
  if (!filters_ && fd == strangers_.get()) received = throw_copies_away(received);
  return {.packets = std::span{packets_}.first(received),
          // A packet that is alone has not filled the queue.
          .lost = received > 1 && fd == peer_.get() ? newly_lost() : 0,
          .status = engine::IoStatus::ok};
}

/// Of the first `count` packets those between the ends, which `peer` has too. Says how many are left.
std::size_t RawReceiver::throw_copies_away(std::size_t count) noexcept {
  const auto received = std::span{packets_}.first(count);
  const auto end = std::remove_if(received.begin(), received.end(), [this](const engine::WirePacket& packet) {
    const auto outer = wire::Ipv4Header::at(packet.bytes);
    return outer && outer->source().address == remote_ && outer->destination().address == local_;
  });
  return static_cast<std::size_t>(end - received.begin());
}

std::optional<engine::WireError> RawReceiver::next_error() noexcept {
  while (readable_.errors) {
    alignas(cmsghdr) std::array<std::uint8_t, CMSG_SPACE(sizeof(sock_extended_err) + sizeof(sockaddr_in))>
        control{};
    iovec part{quoted_.data(), quoted_.size()};
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = control.data();
    message.msg_controllen = control.size();
    const ssize_t length = ::recvmsg(errors().get(), &message, MSG_ERRQUEUE | MSG_DONTWAIT);
    if (length < 0) break;
    const cmsghdr* header = CMSG_FIRSTHDR(&message);
    if (header == nullptr || header->cmsg_level != IPPROTO_IP || header->cmsg_type != IP_RECVERR) continue;
    sock_extended_err error{};
    std::memcpy(&error, CMSG_DATA(header), sizeof error);
    if (error.ee_origin != SO_EE_ORIGIN_ICMP) continue;
    wire::Bytes quoted = wire::Bytes{quoted_}.first(static_cast<std::size_t>(length));
    // What a router adds behind the quotation (RFC 4884) is not part of the packet.
    sock_ee_data_rfc4884 extension{};
    std::memcpy(&extension, CMSG_DATA(header) + offsetof(sock_extended_err, ee_rfc4884), sizeof extension);
    if (extension.len != 0 && (extension.flags & SO_EE_RFC4884_FLAG_INVALID) == 0) {
      quoted = quoted.first(std::min<std::size_t>(quoted.size(), extension.len));
    }
    return engine::WireError{
        .type = error.ee_type,
        .code = error.ee_code,
        .mtu = static_cast<std::uint16_t>(std::min<std::uint32_t>(error.ee_info, 0xffff)),
        .quoted = quoted};
  }
  readable_.errors = false;
  return std::nullopt;
}

/// What the kernel had no room for in the queue since the last time.
std::uint32_t RawReceiver::newly_lost() noexcept {
  const auto lost = lost_so_far();
  return lost ? *lost - std::exchange(lost_, *lost) : 0;
}

std::optional<std::uint32_t> RawReceiver::lost_so_far() const noexcept {
  std::array<std::uint32_t, SK_MEMINFO_VARS> memory{};
  socklen_t length = sizeof memory;
  if (::getsockopt(peer_.get(), SOL_SOCKET, SO_MEMINFO, memory.data(), &length) < 0) return std::nullopt;
  return memory[SK_MEMINFO_DROPS];
}

}  // namespace sixin4::io
