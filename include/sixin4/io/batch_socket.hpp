// A socket that sends many packets in one call (sendmmsg(2)), each gathered from its parts.
#pragma once

#include <array>
#include <cstddef>
#include <utility>

#include <sys/socket.h>
#include <sys/uio.h>

#include "sixin4/base/file_descriptor.hpp"
#include "sixin4/engine/packet.hpp"

namespace sixin4::io {

/// For one thread.
class BatchSocket {
 public:
  static constexpr std::size_t max_batch = 128;

  /// Takes a nonblocking socket with a fixed destination.
  explicit BatchSocket(base::FileDescriptor fd) noexcept : fd_(std::move(fd)) {}

  [[nodiscard]] const base::FileDescriptor& fd() const noexcept { return fd_; }

  /// Sets packet `slot` of the next `send`. `link_header` may be empty. Borrows both until that call.
  void put(std::size_t slot, wire::Bytes link_header, const engine::OuterPacket& packet) noexcept;
  /// Sends slots 0 to `count` - 1. May wait up to 20 ms for room before it returns `full`.
  [[nodiscard]] engine::SendResult send(std::size_t count) noexcept;

 private:
  [[nodiscard]] bool becomes_writable() noexcept;

  base::FileDescriptor fd_;
  bool stalled_ = false;  ///< the last wait for room timed out
  std::array<mmsghdr, max_batch> messages_{};
  std::array<std::array<iovec, 3>, max_batch> parts_{};
};

}  // namespace sixin4::io
