// A packet socket (packet(7)) for the one thing that raw sockets do not tell: where receive offload has
// joined UDP datagrams, of what size they were. The kernel joins them when a program on this host has asked
// for it with UDP_GRO, as QUIC servers do, and then a raw socket gets one long datagram that nobody has sent.
#pragma once

#include <array>
#include <cstdint>
#include <memory>

#include <linux/if_packet.h>
#include <sys/socket.h>

#include "sixin4/base/file_descriptor.hpp"
#include "sixin4/engine/packet.hpp"
#include "sixin4/io/wire_ends.hpp"

namespace sixin4::io {

/// Gets the tunnel's packets that hold a UDP datagram with an unfinished checksum, and no other: its filter
/// adds the pseudo-header up. For one thread.
class DatagramSocket {
 public:
  static constexpr std::size_t max_batch = 64;

  /// Throws std::system_error naming the call and what would allow it.
  explicit DatagramSocket(const WireEnds& ends, const engine::Share& share = {});

  [[nodiscard]] int fd() const noexcept { return fd_.get(); }

  /// Does not block.
  [[nodiscard]] engine::ReceiveResult receive() noexcept;

 private:
  static constexpr std::size_t slot_size = 65536 + 256;  // offload data and link header, too
  using Slots = std::array<std::uint8_t, max_batch * slot_size>;
  using ControlBuffer = std::array<std::uint8_t, CMSG_SPACE(sizeof(tpacket_auxdata))>;

  [[nodiscard]] engine::WirePacket packet_in(std::size_t slot) noexcept;
  [[nodiscard]] std::uint32_t newly_lost() const noexcept;

  base::FileDescriptor fd_;
  std::unique_ptr<Slots> slots_;  ///< never written to as a whole: what no packet needs takes no memory
  std::array<mmsghdr, max_batch> messages_{};
  std::array<iovec, max_batch> parts_{};
  alignas(cmsghdr) std::array<ControlBuffer, max_batch> control_{};
  std::array<engine::WirePacket, max_batch> packets_{};
};

}  // namespace sixin4::io
