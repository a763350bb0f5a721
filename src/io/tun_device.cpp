#include "sixin4/io/tun_device.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <stdexcept>
#include <system_error>

#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/uio.h>

#include "sixin4/base/system_failure.hpp"

namespace sixin4::io {

namespace {

// TUN_F_USO4 and TUN_F_USO6, missing in <linux/if_tun.h> of Debian 12. The kernel takes both or neither
// (drivers/net/tun.c, set_offload).
constexpr unsigned tun_f_uso = 0x20U | 0x40U;

base::FileDescriptor open_clone_device() {
  base::FileDescriptor fd{::open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC)};
  if (fd) return fd;
  const int error = errno;
  const char* remedy =
      error == ENOENT || error == ENODEV || error == ENXIO
          ? "the device node must be there (mknod /dev/net/tun c 10 200; in a container, hand it "
            "in) and the kernel needs its tun module"
          : "the device node must be readable and writable for this user";
  throw base::system_failure(std::string{"cannot open /dev/net/tun: "} + remedy, error);
}

/// Returns false with errno if the ioctl fails. Throws std::invalid_argument if `interface` is empty or too
/// long.
bool attach(const base::FileDescriptor& fd, const std::string& interface, int flags) {
  ifreq request{};
  if (interface.empty() || interface.size() >= sizeof request.ifr_name) {
    throw std::invalid_argument("an interface name has 1 to 15 characters: '" + interface + "'");
  }
  interface.copy(request.ifr_name, sizeof request.ifr_name - 1);
  request.ifr_flags = static_cast<short>(flags);
  return ::ioctl(fd.get(), TUNSETIFF, &request) == 0;
}

engine::IoStatus status_of(int error) noexcept {
  switch (error) {
    case EAGAIN:
    case ENOBUFS:
    case ENOMEM:
      return engine::IoStatus::full;
    case EIO:
      return engine::IoStatus::down;
    case EBADFD:
      return engine::IoStatus::gone;
    default:
      return engine::IoStatus::error;
  }
}

}  // namespace

TunDevice::TunDevice(const std::string& interface) : TunDevice(interface, 0) {}

TunDevice::TunDevice(const std::string& interface, int flags) : fd_(open_clone_device()) {
  create(interface, IFF_TUN | IFF_NO_PI | flags);
  switch_offloads_on();
}

/// Adds a queue to an interface. The kernel applies the flags of the last queue to all of them.
TunDevice::TunDevice(const std::string& interface, const Properties& properties)
    : fd_(open_clone_device()), properties_(properties) {
  if (attach(fd_, interface, properties_.flags)) return;
  throw base::system_failure("cannot add a queue to tun interface " + interface + " (TUNSETIFF)");
}

/// Tries fewer flags after EINVAL: old kernels, and sandboxes with a tun device of their own,
/// refuse flags that they do not know.
void TunDevice::create(const std::string& interface, int flags) {
  int error = 0;
  for (const int optional : {IFF_VNET_HDR | IFF_TUN_EXCL, IFF_TUN_EXCL, 0}) {
    const bool may_belong_to_another =
        (optional & IFF_TUN_EXCL) == 0 && ::if_nametoindex(interface.c_str()) != 0;
    if (!may_belong_to_another && attach(fd_, interface, flags | optional)) {
      properties_.flags = flags | (optional & ~IFF_TUN_EXCL);
      properties_.offload_data = (optional & IFF_VNET_HDR) != 0;
      return;
    }
    error = may_belong_to_another ? EBUSY : errno;
    if (error != EINVAL) break;
  }
  const char* remedy =
      error == EPERM   ? ": needs CAP_NET_ADMIN; run as root, or give the capability"
      : error == EBUSY ? ": an interface of that name exists; choose another with 'interface'"
      : error == EINVAL
          ? ": not a name that an interface can have, or this kernel's tun device lacks a needed flag"
          : "";
  throw base::system_failure("cannot create tun interface " + interface + " (TUNSETIFF)" + remedy, error);
}

/// Each call may fail: without a virtio-net header every packet is complete, without TUNSETVNETLE the header
/// is in the byte order of the machine, and without TUNSETOFFLOAD the kernel completes the packets it
/// delivers.
void TunDevice::switch_offloads_on() {
  std::string& data = features_["tun-offload-data"];
  std::string& out_tcp = features_["tun-out-tcp"];
  std::string& out_udp = features_["tun-out-udp"];
  std::string& in_udp = features_["tun-in-udp"];
  std::string& in_tcp = features_["tun-in-tcp"];
  std::string& in_checksum = features_["tun-in-checksum"];
  if (!properties_.offload_data) {
    data = "the tun device does not take IFF_VNET_HDR";
    out_tcp = out_udp = in_tcp = in_udp = in_checksum = "needs tun-offload-data";
    return;
  }
  int little_endian = 1;
  if (::ioctl(fd_.get(), TUNSETVNETLE, &little_endian) == 0) properties_.order = std::endian::little;

  constexpr unsigned offloads = TUN_F_CSUM | TUN_F_TSO6 | TUN_F_TSO_ECN;
  properties_.udp_super_packets = ::ioctl(fd_.get(), TUNSETOFFLOAD, offloads | TUN_F_TSO4 | tun_f_uso) == 0;
  if (properties_.udp_super_packets) return;
  out_udp = in_udp =
      "TUNSETOFFLOAD with UDP: " + std::generic_category().message(errno) + ", Linux has it since 6.2";
  if (::ioctl(fd_.get(), TUNSETOFFLOAD, offloads) == 0) return;
  out_tcp = "TUNSETOFFLOAD: " + std::generic_category().message(errno);
}

std::vector<TunDevice> TunDevice::open_queues(const std::string& interface, std::size_t count) {
  std::vector<TunDevice> queues;
  if (count == 1) {
    queues.emplace_back(interface);
    return queues;
  }
  queues.push_back(TunDevice{interface, IFF_MULTI_QUEUE});
  const Properties properties = queues.front().properties_;
  while (queues.size() < count) queues.push_back(TunDevice{interface, properties});
  const TunDevice writer{interface, properties};
  ifreq request{};
  request.ifr_flags = IFF_DETACH_QUEUE;
  if (::ioctl(writer.fd(), TUNSETQUEUE, &request) < 0) {
    throw base::system_failure("cannot detach a queue of the tun device (TUNSETQUEUE)");
  }
  for (TunDevice& queue : queues) {
    queue.detached_ = base::FileDescriptor{::fcntl(writer.fd(), F_DUPFD_CLOEXEC, 0)};
    if (!queue.detached_) {
      throw base::system_failure("cannot duplicate a queue of the tun device");
    }
  }
  return queues;
}

std::string TunDevice::name() const {
  ifreq request{};
  if (::ioctl(fd_.get(), TUNGETIFF, &request) < 0) return {};
  const std::span<const char> name{request.ifr_name};
  return {name.begin(), std::ranges::find(name, '\0')};
}

std::optional<bool> TunDevice::is_in_this_namespace() const noexcept {
  const base::FileDescriptor device_namespace{::ioctl(fd_.get(), TUNGETDEVNETNS, 0)};
  const base::FileDescriptor thread_namespace{::open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC)};
  struct stat of_device {};
  struct stat of_thread {};
  if (!device_namespace || !thread_namespace || ::fstat(device_namespace.get(), &of_device) < 0 ||
      ::fstat(thread_namespace.get(), &of_thread) < 0)
    return std::nullopt;
  return of_device.st_dev == of_thread.st_dev && of_device.st_ino == of_thread.st_ino;
}

engine::ReadResult TunDevice::read(wire::MutableBytes buffer) const noexcept {
  const ssize_t length = ::read(fd_.get(), buffer.data(), buffer.size());
  if (length < 0) {
    const engine::IoStatus status = status_of(errno);
    return {.status = status == engine::IoStatus::full ? engine::IoStatus::empty : status};
  }
  const auto received = buffer.first(static_cast<std::size_t>(length));
  if (received.size() < header_size()) return {.status = engine::IoStatus::error};
  engine::TunPacket packet{.bytes = received.subspan(header_size())};
  if (properties_.offload_data) {
    packet.offload = wire::read_vnet_header(received.first<wire::vnet_header_size>(), properties_.order);
  }
  return {.status = engine::IoStatus::ok, .packet = packet};
}

engine::IoStatus TunDevice::write(const wire::VnetHeader& offload,
                                  std::span<const wire::Bytes> parts) const noexcept {
  if (parts.size() > engine::max_tun_parts) return engine::IoStatus::error;
  const bool asks = engine::offload_asked_by(offload).has_value();
  if (asks && !properties_.offload_data) return engine::IoStatus::refused;
  std::array<std::uint8_t, wire::vnet_header_size> header{};
  wire::write_vnet_header(header, offload, properties_.order);
  std::array<iovec, 1 + engine::max_tun_parts> pieces{iovec{header.data(), header.size()}};
  std::ranges::transform(parts, pieces.begin() + 1, [](wire::Bytes part) noexcept {
    return iovec{const_cast<std::uint8_t*>(part.data()), part.size()};  // writev only reads
  });
  const std::size_t skipped = properties_.offload_data ? 0 : 1;
  const auto vectors = std::span{pieces}.first(1 + parts.size()).subspan(skipped);
  if (::writev((detached_ ? detached_ : fd_).get(), vectors.data(), static_cast<int>(vectors.size())) >= 0)
    return engine::IoStatus::ok;
  return asks && errno == EINVAL ? engine::IoStatus::refused : status_of(errno);
}

}  // namespace sixin4::io
