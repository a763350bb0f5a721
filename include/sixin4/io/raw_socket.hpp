// The IPv4 side over raw sockets (raw(7)): one that sends, and one that receives with two helpers.
#pragma once

#include <array>
#include <string>
#include <vector>

#include <sys/socket.h>

#include "sixin4/engine/packet.hpp"
#include "sixin4/io/file_descriptor.hpp"
#include "sixin4/wire/address.hpp"

namespace sixin4::io {

/// The two ends of the tunnel, and the link that it is bound to (empty: any).
struct WireEnds {
  wire::Ipv4Address local;
  wire::Ipv4Address remote;
  std::string dev;
  bool operator==(const WireEnds&) const = default;
};

/// Sends IPv4 packets with their headers. For one thread.
class RawSender {
 public:
  /// Throws std::system_error naming the call and what would allow it.
  explicit RawSender(const WireEnds& ends);

  /// Sends the batch from its start. Where the socket is full it waits for a moment before it says so.
  [[nodiscard]] engine::SendResult send(std::span<const engine::OuterPacket> batch) noexcept;

 private:
  static constexpr std::size_t max_batch = 128;

  FileDescriptor fd_;
  std::array<mmsghdr, max_batch> messages_{};
  std::array<std::array<iovec, 2>, max_batch> parts_{};
};

/// Receives whole IPv4 packets of protocol 41. For one thread.
///
/// Three sockets, because of how Linux hands a packet to raw sockets (net/ipv4/raw.c, raw_v4_input):
/// - `peer`, bound to `local` and connected to `remote`, gets the tunnel's packets and nobody else's, so
///   that others cannot fill its queue;
/// - `strangers` gets the first bytes of all other packets of protocol 41, for the counters;
/// - `guard` accepts and forgets everything: a packet for which every queue is full counts as undeliverable
///   otherwise, and the kernel answers it with ICMP protocol unreachable, which RFC 4213 §3.6 forbids.
class RawReceiver {
 public:
  /// Throws std::system_error naming the call and what would allow it.
  explicit RawReceiver(const WireEnds& ends);

  /// What to poll for reading.
  [[nodiscard]] std::array<int, 2> fds() const noexcept { return {peer_.get(), strangers_.get()}; }

  /// Does not block. The peer's packets come first, strangers when there are none.
  [[nodiscard]] engine::ReceiveResult receive() noexcept;

 private:
  static constexpr std::size_t max_batch = 64;
  static constexpr std::size_t slot_size = 65536;

  [[nodiscard]] engine::ReceiveResult receive_from(int fd) noexcept;

  FileDescriptor peer_;
  FileDescriptor strangers_;
  FileDescriptor guard_;
  std::vector<std::uint8_t> slots_;
  std::array<mmsghdr, max_batch> messages_{};
  std::array<iovec, max_batch> parts_{};
  std::array<wire::MutableBytes, max_batch> datagrams_{};
};

}  // namespace sixin4::io
