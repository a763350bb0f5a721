// A tun(4) device, with offloads where the kernel has them: a read or write is one packet, or one
// super-packet of up to 64 KiB with a virtio-net header that says what is unfinished about it.
#pragma once

#include <bit>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "sixin4/base/file_descriptor.hpp"
#include "sixin4/engine/packet.hpp"
#include "sixin4/io/features.hpp"

namespace sixin4::io {

/// One queue of such a device, or its only one.
class TunDevice {
 public:
  /// Creates the interface; it goes when this object goes. Throws std::system_error naming the call and what
  /// would allow it.
  explicit TunDevice(const std::string& interface);

  /// Creates an interface with `count` queues; it goes when all of them have gone. The kernel gives a flow to
  /// one queue by its hash, and what is written does not change that: Linux moves a flow to the queue that
  /// its packets were written to (drivers/net/tun.c, tun_flow_update), which reorders those under way, but
  /// not for what is written through a detached queue. So the queues share one to write through.
  [[nodiscard]] static std::vector<TunDevice> open_queues(const std::string& interface, std::size_t count);

  [[nodiscard]] int fd() const noexcept { return fd_.get(); }

  /// The interface's name now, wherever it is; empty once it was deleted.
  [[nodiscard]] std::string name() const;
  /// Whether the interface is in the network namespace of the calling thread; nothing where the kernel does
  /// not tell (Linux before 5.2).
  [[nodiscard]] std::optional<bool> is_in_this_namespace() const noexcept;

  /// Does not block. `buffer` has at least `engine::tun_read_size` bytes.
  [[nodiscard]] engine::ReadResult read(wire::MutableBytes buffer) const noexcept;
  /// May be called by several threads: one call is one packet, in `engine::max_tun_parts` parts at most.
  [[nodiscard]] engine::IoStatus write(const wire::VnetHeader& offload,
                                       std::span<const wire::Bytes> parts) const noexcept;
  /// Without offload data nothing. Linux has UDP super-packets since 6.2.
  [[nodiscard]] bool takes(engine::Offload offload) const noexcept {
    return properties_.offload_data && (offload != engine::Offload::udp || properties_.udp_super_packets);
  }
  [[nodiscard]] const Features& features() const noexcept { return features_; }

 private:
  /// Of the interface, the same for all of its queues.
  struct Properties {
    int flags = 0;                            ///< of TUNSETIFF
    bool offload_data = false;                ///< a virtio-net header stands before each packet
    std::endian order = std::endian::native;  ///< of the numbers in it
    bool udp_super_packets = false;
  };

  TunDevice(const std::string& interface, int flags);
  TunDevice(const std::string& interface, const Properties& properties);

  void create(const std::string& interface, int flags);
  void switch_offloads_on();
  [[nodiscard]] std::size_t header_size() const noexcept {
    return properties_.offload_data ? wire::vnet_header_size : 0;
  }

  base::FileDescriptor fd_;
  base::FileDescriptor detached_;  ///< to write through; where there is none, `fd_` does
  Properties properties_;
  Features features_;
};

}  // namespace sixin4::io
