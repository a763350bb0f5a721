// A packet socket (packet(7)): only this kind of socket reports the size of UDP datagrams merged by receive
// offload. The kernel merges them if a program on this host asks for it with UDP_GRO, as QUIC servers do; a
// raw socket then gets one long datagram that no host sent.
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

/// Receives exactly the packets of the tunnel that hold a UDP datagram with an unfinished checksum: the
/// socket filter computes the pseudo-header sum and compares it with the checksum field. For one thread.
class DatagramSocket {
 public:
  static constexpr std::size_t max_batch = 64;

  /// Throws std::system_error that names the failed call and the remedy.
  explicit DatagramSocket(const WireEnds& ends, const engine::Share& share = {});

  [[nodiscard]] int fd() const noexcept { return fd_.get(); }

  /// Does not block.
  [[nodiscard]] engine::ReceiveResult receive() noexcept;

 private:
  static constexpr std::size_t slot_size = 65536 + 256;  // with offload data and link header
  using Slots = std::array<std::uint8_t, max_batch * slot_size>;
  using ControlBuffer = std::array<std::uint8_t, CMSG_SPACE(sizeof(tpacket_auxdata))>;

  [[nodiscard]] engine::WirePacket packet_in(std::size_t slot) noexcept;
  [[nodiscard]] std::uint32_t newly_lost() const noexcept;

  base::FileDescriptor fd_;
  std::unique_ptr<Slots> slots_;  ///< never cleared, so pages that no packet needs take no memory
  std::array<mmsghdr, max_batch> messages_{};
  std::array<iovec, max_batch> parts_{};
  alignas(cmsghdr) std::array<ControlBuffer, max_batch> control_{};
  std::array<engine::WirePacket, max_batch> packets_{};
};

}  // namespace sixin4::io
