#include "sixin4/io/batch_socket.hpp"

#include <cerrno>

#include <poll.h>

namespace sixin4::io {

namespace {

constexpr int full_wait_ms = 20;

iovec part_of(wire::Bytes bytes) noexcept {
  // sendmmsg only reads, although iovec is not const.
  return {const_cast<std::uint8_t*>(bytes.data()), bytes.size()};
}

}  // namespace

void BatchSocket::put(std::size_t slot, wire::Bytes link_header, const engine::OuterPacket& packet) noexcept {
  auto& parts = parts_[slot];
  std::size_t count = 0;
  for (const wire::Bytes part : {link_header, packet.head, packet.body}) {
    if (!part.empty()) parts[count++] = part_of(part);
  }
  messages_[slot].msg_hdr.msg_iov = parts.data();
  messages_[slot].msg_hdr.msg_iovlen = count;
}

engine::SendResult BatchSocket::send(std::size_t count) noexcept {
  for (;;) {
    const int sent = ::sendmmsg(fd_.get(), messages_.data(), static_cast<unsigned>(count), 0);
    if (sent >= 0) {
      stalled_ = false;
      return {.sent = static_cast<std::size_t>(sent), .status = engine::IoStatus::ok};
    }
    switch (errno) {
      case EINTR:
        continue;
      case EAGAIN:
        if (stalled_ || !becomes_writable()) return {.sent = 0, .status = engine::IoStatus::full};
        continue;
      case ENOBUFS:
      case ENOMEM:
        return {.sent = 0, .status = engine::IoStatus::full};
      case EINVAL:  // the caller knows whether it passed offload data
        return {.sent = 0, .status = engine::IoStatus::refused};
      default:
        return {.sent = 0, .status = engine::IoStatus::error};
    }
  }
}

/// Waits for room in the socket. After a timeout `send` does not wait again until a packet was sent.
bool BatchSocket::becomes_writable() noexcept {
  // Queued errors would end the wait at once. They are about packets too large for the link, which were
  // counted when they were sent.
  std::uint8_t ignored = 0;
  while (::recv(fd_.get(), &ignored, sizeof ignored, MSG_ERRQUEUE) >= 0) continue;
  pollfd writable{.fd = fd_.get(), .events = POLLOUT, .revents = 0};
  stalled_ = ::poll(&writable, 1, full_wait_ms) <= 0;
  return !stalled_;
}

}  // namespace sixin4::io
