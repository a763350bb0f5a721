// A tun(4) device with offloads: a read or write is one packet, or one super-packet of up to 64 KiB with a
// virtio-net header that says what is unfinished about it.
#pragma once

#include <span>
#include <string>

#include "sixin4/engine/packet.hpp"
#include "sixin4/io/file_descriptor.hpp"

namespace sixin4::io {

class TunDevice {
 public:
  /// Creates the interface; it goes when this object goes. Throws std::system_error naming the call and what
  /// would allow it.
  explicit TunDevice(const std::string& interface);

  [[nodiscard]] int fd() const noexcept { return fd_.get(); }

  /// Does not block. `buffer` has at least `engine::tun_read_size` bytes.
  [[nodiscard]] engine::ReadResult read(wire::MutableBytes buffer) const noexcept;
  /// May be called by several threads: one call is one packet, in `engine::max_tun_parts` parts at most.
  [[nodiscard]] engine::IoStatus write(const wire::VnetHeader& offload,
                                       std::span<const wire::Bytes> parts) const noexcept;
  [[nodiscard]] bool takes_udp_super_packets() const noexcept { return udp_super_packets_; }

 private:
  FileDescriptor fd_;
  bool udp_super_packets_ = false;
};

}  // namespace sixin4::io
