// The IPv4 side over raw sockets (raw(7)): a sender, and a receiver with its helper sockets.
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

/// Sends complete IPv4 packets. For one thread.
class RawSender {
 public:
  /// Throws std::system_error that names the failed call and the remedy.
  explicit RawSender(const WireEnds& ends);

  [[nodiscard]] static bool finishes_checksums() noexcept { return false; }
  [[nodiscard]] const Features& features() const noexcept { return features_; }
  /// Sends the batch from its start. May wait up to 20 ms before it returns `full`.
  [[nodiscard]] engine::SendResult send(std::span<const engine::OuterPacket> batch) noexcept;

 private:
  Features features_;
  BatchSocket socket_;
};

/// Receives IPv4 packets of protocol 41. For one thread.
///
/// Uses several sockets, because of how Linux delivers a packet to raw sockets (net/ipv4/raw.c,
/// raw_v4_input):
/// - `peer`, bound to `local` and connected to `remote`, gets exactly the packets of the tunnel, so other
///   senders cannot fill its queue;
/// - `strangers` gets the first bytes of all other packets of protocol 41, for the counters;
/// - `guard` matches every packet of protocol 41, and its filter keeps none. Without it the kernel answers a
///   packet for which every queue is full with ICMP protocol unreachable, which RFC 4213 §3.6 forbids.
///   `guard` also gets the ICMP errors, from any link and about any packet of protocol 41: in the queue of
///   `peer` a flood of forged errors would displace packets;
/// - the packet socket gets UDP datagrams with an unfinished checksum, and reports the sizes of merged ones;
///   the filter of `peer` leaves these datagrams out.
///
/// If workers share the tunnel, each has a `peer` and a packet socket with a filter for its flows. Only the
/// first worker has `strangers` and `guard`.
///
/// If the kernel refuses socket filters, there is one worker. It has no packet socket, because that would get
/// every IPv4 packet of the host, and no `guard`, because its queue would fill at once. `strangers` then gets
/// the ICMP errors, and copies of the packets of the tunnel, which are discarded. The kernel answers with
/// ICMP once both queues are full.
///
/// Without a packet socket merged datagrams cannot be distinguished from long ones.
class RawReceiver {
 public:
  /// Throws std::system_error that names the failed call and the remedy.
  explicit RawReceiver(const WireEnds& ends, const engine::Share& share = {});

  /// Throws std::system_error if the kernel refuses socket filters, without which workers cannot share a
  /// tunnel.
  static void need_filters();

  [[nodiscard]] const Features& features() const noexcept { return features_; }

  /// Waits until a packet or error can be received, or `wake` is readable.
  void wait(int wake) noexcept { poll_sockets(wake, -1); }
  /// Does not block. Takes turns between the sockets, and reads strangers only if the others have nothing.
  /// With the status `empty` no further packet is known to be queued; the result may hold packets.
  [[nodiscard]] engine::ReceiveResult receive() noexcept;
  /// Returns a queued error; empty if none is left, or if the last poll(2) in `receive` or `wait` found none.
  /// Does not block. `wait` returns at once while errors are left.
  [[nodiscard]] std::optional<engine::WireError> next_error() noexcept;

 private:
  static constexpr std::size_t max_batch = 64;
  static constexpr std::size_t slot_size = 65536;
  using Slots = std::array<std::uint8_t, max_batch * slot_size>;

  /// The sockets with packets or errors, from poll(2), until a read returns less than a full batch: a read
  /// that finds nothing costs as much as one that finds packets.
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
  [[nodiscard]] std::size_t discard_copies(std::size_t count) noexcept;
  void poll_sockets(int wake, int timeout_ms) noexcept;
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
  bool filters_ = false;  ///< the kernel accepts socket filters
  std::optional<DatagramSocket> datagrams_;
  Readable readable_;
  unsigned receives_ = 0;
  bool datagrams_next_ = false;
  std::uint32_t lost_ = 0;        ///< the loss count of `peer` when it was last read
  std::unique_ptr<Slots> slots_;  ///< never cleared, so pages that no packet needs take no memory
  std::vector<iovec> parts_;      ///< one for each slot
  std::vector<mmsghdr> messages_;
  std::array<engine::WirePacket, max_batch> packets_{};
  // RFC 1812 §4.3.2.3 limits a quotation to 576 bytes, but routers may send more.
  std::array<std::uint8_t, 1500> quoted_{};
};

}  // namespace sixin4::io
