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
constexpr int receive_buffer = 8 << 20;  // the memory of a packet counts: twice its length or more
constexpr int strangers_buffer = 256 << 10;
constexpr unsigned receives_between_polls = 16;

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

/// A socket filter sees a packet of a raw socket from its IPv4 header; its result is the number of bytes to
/// keep.
std::array<sock_filter, 1> filter_that_keeps_nothing() noexcept {
  return {sock_filter BPF_STMT(BPF_RET | BPF_K, 0)};
}

/// The kernel queues packets of protocol 41 from socket(2) on, so this socket gets a filter that keeps
/// nothing during its set-up. `discard_queued` removes the packets that came before the filter.
base::FileDescriptor open_receiver() {
  base::FileDescriptor fd = open_raw(wire::protocol_ipv6);
  auto nothing = filter_that_keeps_nothing();
  attach_filter(fd, nothing);
  return fd;
}

void discard_queued(const base::FileDescriptor& fd) {
  char first = 0;  // the kernel discards the rest of a packet
  // Any errno but EAGAIN is an ICMP error, reported once. Bounded, because a sandbox may refuse every call.
  for (int errors = 0; errors < 16;) {
    if (::recv(fd.get(), &first, sizeof first, 0) >= 0) continue;
    if (errno == EAGAIN) return;
    ++errors;
  }
}

/// Accepts this worker's share of the packets. If there is a packet socket, excludes the packets that the
/// packet socket delivers, because copying a merged one of 64 KiB would be in vain.
void accept_share(const base::FileDescriptor& fd, const engine::Share& share, bool has_packet_socket) {
  FilterProgram program;
  if (has_packet_socket) program.refuse_unfinished_datagram(Ipv4HeaderAt::start);
  program.require_share(share, Ipv4HeaderAt::start);
  auto filter = program.keep(wire::ipv4_max_packet);
  attach_filter(fd, filter);
}

/// Enables ICMP errors. IP_HDRINCL makes them quote a packet from its IPv4 header on (net/ipv4/raw.c,
/// raw_err). Errors never fill the socket: an error is queued only if it leaves room (net/core/skbuff.c,
/// sock_queue_err_skb).
void receive_errors(const base::FileDescriptor& fd, std::string& missing) {
  const bool enabled = try_option(fd, IPPROTO_IP, IP_HDRINCL, int{1}, "IP_HDRINCL", missing) &&
                       try_option(fd, IPPROTO_IP, IP_RECVERR, int{1}, "IP_RECVERR", missing);
  if (!enabled) {
    missing += ", so that no path MTU is learnt from routers";
    return;
  }
  // Since Linux 5.9. In older kernels an RFC 4884 extension counts as part of the quotation.
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
  // IPPROTO_RAW: the program writes the headers, and the socket receives nothing, so an ICMP error of the
  // path does not fail an unrelated send.
  base::FileDescriptor fd = open_raw(IPPROTO_RAW);
  bind_to_link(fd, ends.dev);
  try_send_buffer(fd, send_buffer, features["send-buffer"]);
  // The engine handles the path MTU, so the kernel must not judge packets by the path MTU it has learnt.
  (void)try_option(fd, IPPROTO_IP, IP_MTU_DISCOVER, int{IP_PMTUDISC_PROBE}, "IP_MTU_DISCOVER",
                   features["send-own-path-mtu"]);
  // The sender gets the error of a full queue only with this option (net/ipv4/raw.c, raw_send_hdrinc).
  (void)try_option(fd, IPPROTO_IP, IP_RECVERR, int{1}, "IP_RECVERR", features["send-errors"]);
  bind_to_address(fd, ends.local);  // policy rules may route by this source address
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
    discard_queued(peer_);
    accept_share(peer_, share, datagrams_.has_value());
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
    missing = "needs receive-filter; long datagrams are dropped as inner-joined";
    return;
  }
  try {
    datagrams_.emplace(ends, share);
  } catch (const std::system_error& error) {
    missing = std::string{error.what()} + ", so that long datagrams are dropped as inner-joined";
  }
}

void RawReceiver::open_helpers(const WireEnds& ends) {
  // The guard is opened first, because the kernel answers packets with ICMP until the guard exists.
  if (filters_) {
    guard_ = open_receiver();
    discard_queued(guard_);
  }
  strangers_ = filters_ ? open_receiver() : open_raw(wire::protocol_ipv6);
  receive_errors(errors(), features_["receive-icmp-errors"]);
  try_receive_buffer(strangers_, strangers_buffer, features_["receive-buffer"]);
  if (!filters_) return;
  discard_queued(strangers_);
  keep_heads_of_strangers(strangers_, ends);
}

void RawReceiver::poll_sockets(int wake, int timeout_ms) noexcept {
  // poll(2) ignores a descriptor of -1, and reports errors whatever the events.
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
  // Poll all sockets regularly, even if one of them never runs empty.
  const bool poll_again = ++receives_ % receives_between_polls == 0;
  if (poll_again || !readable_.packets()) poll_sockets(-1, 0);
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
    // Any errno but EAGAIN is an ICMP error, reported once; the next call continues.
    return {.status = errno == EAGAIN ? engine::IoStatus::empty : engine::IoStatus::ok};
  }
  auto received = static_cast<std::size_t>(count);
  for (std::size_t i = 0; i < received; ++i) {
    packets_[i] = {.bytes = wire::MutableBytes{*slots_}.subspan(i * slot_size, messages_[i].msg_len),
                   .offload = {.only_raw_socket = !datagrams_}};
  }
  if (!filters_ && fd == strangers_.get()) received = discard_copies(received);
  return {.packets = std::span{packets_}.first(received),
          // A queue with a single packet was not full, so the system call is saved.
          .lost = received > 1 && fd == peer_.get() ? newly_lost() : 0,
          .status = engine::IoStatus::ok};
}

/// Removes from the first `count` packets those of the tunnel, because `peer` delivers them, too. Returns the
/// number of packets left.
std::size_t RawReceiver::discard_copies(std::size_t count) noexcept {
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
    // An RFC 4884 extension after the quotation is not part of the packet.
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

/// The packets of `peer` lost since the last call because the queue was full.
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
