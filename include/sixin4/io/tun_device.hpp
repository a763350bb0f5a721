// A tun(4) device (Documentation/networking/tuntap.rst), with offloads if the kernel has them: a read or
// write is one packet, or one super-packet of up to 64 KiB with a virtio-net header that describes how to
// finish it.
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

/// One queue of a tun device, or its only one.
class TunDevice {
 public:
  /// Creates the interface, which exists as long as this object. Throws std::system_error that names the
  /// failed call and the remedy, and std::invalid_argument for an empty or too long name.
  explicit TunDevice(const std::string& interface);

  /// Creates an interface with `count` queues, which exists until the last of them is destroyed. The kernel
  /// assigns a flow to a queue by its hash. A write would move the flow to the queue written to
  /// (drivers/net/tun.c, tun_flow_update) and so reorder packets, but a write through a detached queue does
  /// not; so all queues write through one detached queue.
  [[nodiscard]] static std::vector<TunDevice> open_queues(const std::string& interface, std::size_t count);

  [[nodiscard]] int fd() const noexcept { return fd_.get(); }

  /// The present name of the interface, in any namespace; empty if it was deleted.
  [[nodiscard]] std::string name() const;
  /// Whether the interface is in the network namespace of the calling thread; empty if the kernel cannot tell
  /// (before Linux 5.2).
  [[nodiscard]] std::optional<bool> is_in_this_namespace() const noexcept;

  /// Does not block. Requires at least `engine::tun_read_size` bytes of `buffer`.
  [[nodiscard]] engine::ReadResult read(wire::MutableBytes buffer) const noexcept;
  /// For any number of threads: one call writes one packet, of at most `engine::max_tun_parts` parts.
  [[nodiscard]] engine::IoStatus write(const wire::VnetHeader& offload,
                                       std::span<const wire::Bytes> parts) const noexcept;
  /// False for all offloads without a virtio-net header. Linux has UDP super-packets since 6.2.
  [[nodiscard]] bool takes(engine::Offload offload) const noexcept {
    return properties_.offload_data && (offload != engine::Offload::udp || properties_.udp_super_packets);
  }
  [[nodiscard]] const Features& features() const noexcept { return features_; }

 private:
  /// Properties of the interface, the same for all of its queues.
  struct Properties {
    int flags = 0;                            ///< for TUNSETIFF
    bool offload_data = false;                ///< a virtio-net header precedes each packet
    std::endian order = std::endian::native;  ///< byte order of that header
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
  base::FileDescriptor detached_;  ///< the queue for writes; empty: writes use `fd_`
  Properties properties_;
  Features features_;
};

}  // namespace sixin4::io
