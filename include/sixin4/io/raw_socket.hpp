// The IPv4 side over raw sockets (raw(7)): one that sends, and one that receives with its helpers.
#pragma once

#include <array>
#include <memory>
#include <optional>
#include <vector>

#include <sys/socket.h>

#include "sixin4/base/file_descriptor.hpp"
#include "sixin4/engine/packet.hpp"
#include "sixin4/io/batch_socket.hpp"
#include "sixin4/io/datagram_socket.hpp"
#include "sixin4/io/features.hpp"
#include "sixin4/io/wire_ends.hpp"

namespace sixin4::io {

/// Sends IPv4 packets with their headers. For one thread.
class RawSender {
 public:
  /// Throws std::system_error naming the call and what would allow it.
  explicit RawSender(const WireEnds& ends);

  [[nodiscard]] static bool finishes_checksums() noexcept { return false; }
  [[nodiscard]] const Features& features() const noexcept { return features_; }
  /// Sends the batch from its start. Where the socket is full it waits for a moment before it says so.
  [[nodiscard]] engine::SendResult send(std::span<const engine::OuterPacket> batch) noexcept;

 private:
  Features features_;
  BatchSocket socket_;
};

/// Receives IPv4 packets of protocol 41. For one thread.
///
/// Several sockets, because of how Linux hands a packet to raw sockets (net/ipv4/raw.c, raw_v4_input):
/// - `peer`, bound to `local` and connected to `remote`, gets the tunnel's packets and nobody else's, so
///   that others cannot fill its queue;
/// - `strangers` gets the first bytes of all other packets of protocol 41, for the counters;
/// - `guard` accepts and forgets every packet: one for which every queue is full counts as undeliverable
///   otherwise, and the kernel answers it with ICMP protocol unreachable, which RFC 4213 §3.6 forbids.
///   It gets the ICMP errors, whatever link they come by and whatever packet of protocol 41 they are about:
///   in the queue of `peer` a flood of forged ones would take the packets' place.
/// And beside them the packet socket, for what only that one can tell.
///
/// Where workers share the tunnel each has a `peer` and a packet socket, with a filter for its own flows, and
/// the first has the rest.
///
/// Where the kernel refuses socket filters one worker is alone. It has no packet socket, which would get
/// every IPv4 packet of the host, and no `guard`, which would be full at once; `strangers` gets the ICMP
/// errors, and copies of the tunnel's packets, which are thrown away. Once both queues are full the kernel
/// answers with ICMP.
///
/// Where there is no packet socket for that or another reason, merged datagrams cannot be told from long
/// ones.
class RawReceiver {
 public:
  /// Throws std::system_error naming the call and what would allow it.
  explicit RawReceiver(const WireEnds& ends, const engine::Share& share = {});

  /// Throws where the kernel refuses socket filters, without which workers cannot share a tunnel.
  static void need_filters();

  [[nodiscard]] const Features& features() const noexcept { return features_; }

  /// Waits until there is something to receive, or `wake` is readable.
  void wait(int wake) noexcept { look(wake, -1); }
  /// Does not block. The sockets in turn, strangers only when the others have nothing. What it returns with
  /// the status `empty` is the last that is known to be there.
  [[nodiscard]] engine::ReceiveResult receive() noexcept;
  /// One of the errors that were there when `receive` or `wait` last looked. Does not block. As long as an
  /// error is left, `wait` does not wait.
  [[nodiscard]] std::optional<engine::WireError> next_error() noexcept;

 private:
  static constexpr std::size_t max_batch = 64;
  static constexpr std::size_t slot_size = 65536;
  using Slots = std::array<std::uint8_t, max_batch * slot_size>;

  /// What there is to read, as poll(2) has said, and until less than a full batch is read. A read that finds
  /// nothing costs as much as one that does.
  struct Readable {
    bool peer = false;
    bool datagrams = false;
    bool errors = false;
    bool strangers = false;
    [[nodiscard]] bool packets() const noexcept { return peer || datagrams || strangers; }
  };

  void open_datagrams(const WireEnds& ends, const engine::Share& share);
  void open_helpers(const WireEnds& ends);
  [[nodiscard]] const base::FileDescriptor& errors() const noexcept { return guard_ ? guard_ : strangers_; }
  [[nodiscard]] std::size_t throw_copies_away(std::size_t count) noexcept;
  void look(int wake, int timeout_ms) noexcept;
  [[nodiscard]] engine::ReceiveResult receive_next() noexcept;
  [[nodiscard]] engine::ReceiveResult receive_from(int fd) noexcept;
  [[nodiscard]] std::uint32_t newly_lost() noexcept;
  [[nodiscard]] std::optional<std::uint32_t> lost_so_far() const noexcept;

  Features features_;
  wire::Ipv4Address local_;
  wire::Ipv4Address remote_;
  base::FileDescriptor peer_;
  base::FileDescriptor strangers_;
  base::FileDescriptor guard_;
  bool filters_ = false;  ///< the kernel takes socket filters
  std::optional<DatagramSocket> datagrams_;
  Readable readable_;
  unsigned receives_ = 0;
  bool datagrams_next_ = false;
  std::uint32_t lost_ = 0;        ///< the kernel's count for `peer`
  std::unique_ptr<Slots> slots_;  ///< never written to as a whole: what no packet needs takes no memory
  std::vector<iovec> parts_;      ///< each points to a slot
  std::vector<mmsghdr> messages_;
  std::array<engine::WirePacket, max_batch> packets_{};
  // RFC 1812 §4.3.2.3 lets routers quote 576 bytes at most, but nothing holds them to it.
  std::array<std::uint8_t, 1500> quoted_{};
};

}  // namespace sixin4::io
