#include "sixin4/io/tun_device.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <stdexcept>
#include <system_error>

#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/uio.h>

namespace sixin4::io {

namespace {

// Newer than Debian 12's <linux/if_tun.h>; the kernel takes both or neither (drivers/net/tun.c, set_offload).
constexpr unsigned tun_f_uso = 0x20U | 0x40U;

FileDescriptor open_clone_device() {
  FileDescriptor fd{::open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC)};
  if (fd) return fd;
  const int error = errno;
  const char* remedy =
      error == ENOENT || error == ENODEV || error == ENXIO
          ? "the device node must be there (mknod /dev/net/tun c 10 200; in a container, hand it "
            "in) and the kernel needs its tun module"
          : "the device node must be readable and writable for this user";
  throw std::system_error(error, std::generic_category(), std::string{"cannot open /dev/net/tun: "} + remedy);
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

TunDevice::TunDevice(const std::string& interface) : TunDevice(interface, IFF_TUN_EXCL) {}

TunDevice::TunDevice(const std::string& interface, int flags) : fd_(open_clone_device()) {
  ifreq request{};
  if (interface.empty() || interface.size() >= sizeof request.ifr_name) {
    throw std::invalid_argument("an interface name has 1 to 15 characters: '" + interface + "'");
  }
  interface.copy(request.ifr_name, sizeof request.ifr_name - 1);
  request.ifr_flags = static_cast<short>(IFF_TUN | IFF_NO_PI | IFF_VNET_HDR | flags);
  if (::ioctl(fd_.get(), TUNSETIFF, &request) < 0) {
    const int error = errno;
    const char* remedy = error == EPERM ? ": needs CAP_NET_ADMIN; run as root, or give the capability"
                         : error == EBUSY
                             ? ": an interface of that name exists; choose another with 'interface'"
                         : error == EINVAL ? ": not a name that an interface can have"
                                           : "";
    throw std::system_error(error, std::generic_category(),
                            "cannot create tun interface " + interface + " (TUNSETIFF)" + remedy);
  }

  int little_endian = 1;
  if (::ioctl(fd_.get(), TUNSETVNETLE, &little_endian) < 0) {
    throw std::system_error(errno, std::generic_category(),
                            "cannot set the byte order of offload data (TUNSETVNETLE)");
  }
  constexpr unsigned offloads = TUN_F_CSUM | TUN_F_TSO6 | TUN_F_TSO_ECN;
  udp_super_packets_ = ::ioctl(fd_.get(), TUNSETOFFLOAD, offloads | TUN_F_TSO4 | tun_f_uso) == 0;
  if (!udp_super_packets_ && ::ioctl(fd_.get(), TUNSETOFFLOAD, offloads) < 0) {
    throw std::system_error(errno, std::generic_category(),
                            "cannot switch on offloads of the tun device (TUNSETOFFLOAD)");
  }
}

std::vector<TunDevice> TunDevice::open_queues(const std::string& interface, std::size_t count) {
  std::vector<TunDevice> queues;
  if (count == 1) {
    queues.emplace_back(interface);
    return queues;
  }
  for (std::size_t i = 0; i < count; ++i) {
    queues.push_back(TunDevice{interface, IFF_MULTI_QUEUE | (i == 0 ? IFF_TUN_EXCL : 0)});
  }
  const TunDevice writer{interface, IFF_MULTI_QUEUE};
  ifreq request{};
  request.ifr_flags = IFF_DETACH_QUEUE;
  if (::ioctl(writer.fd(), TUNSETQUEUE, &request) < 0) {
    throw std::system_error(errno, std::generic_category(),
                            "cannot detach a queue of the tun device (TUNSETQUEUE)");
  }
  for (TunDevice& queue : queues) {
    queue.detached_ = FileDescriptor{::fcntl(writer.fd(), F_DUPFD_CLOEXEC, 0)};
    if (!queue.detached_) {
      throw std::system_error(errno, std::generic_category(), "cannot duplicate a queue of the tun device");
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
  const FileDescriptor its{::ioctl(fd_.get(), TUNGETDEVNETNS, 0)};
  const FileDescriptor own{::open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC)};
  struct stat of_device {};
  struct stat of_thread {};
  if (!its || !own || ::fstat(its.get(), &of_device) < 0 || ::fstat(own.get(), &of_thread) < 0)
    return std::nullopt;
  return of_device.st_dev == of_thread.st_dev && of_device.st_ino == of_thread.st_ino;
}

engine::ReadResult TunDevice::read(wire::MutableBytes buffer) const noexcept {
  const ssize_t length = ::read(fd_.get(), buffer.data(), buffer.size());
  if (length < 0) {
    const engine::IoStatus status = status_of(errno);
    return {.status = status == engine::IoStatus::full ? engine::IoStatus::empty : status};
  }
  const auto header = wire::fixed<wire::vnet_header_size>(buffer);
  if (!header || static_cast<std::size_t>(length) < wire::vnet_header_size) {
    return {.status = engine::IoStatus::error};
  }
  return {
      .status = engine::IoStatus::ok,
      .packet = {.offload = wire::read_vnet_header(*header),
                 .bytes = buffer.first(static_cast<std::size_t>(length)).subspan(wire::vnet_header_size)}};
}

engine::IoStatus TunDevice::write(const wire::VnetHeader& offload,
                                  std::span<const wire::Bytes> parts) const noexcept {
  if (parts.size() > engine::max_tun_parts) return engine::IoStatus::error;
  std::array<std::uint8_t, wire::vnet_header_size> header{};
  wire::write_vnet_header(header, offload);
  std::array<iovec, 1 + engine::max_tun_parts> pieces{iovec{header.data(), header.size()}};
  std::ranges::transform(parts, pieces.begin() + 1, [](wire::Bytes part) noexcept {
    return iovec{const_cast<std::uint8_t*>(part.data()), part.size()};  // writev only reads
  });
  if (::writev((detached_ ? detached_ : fd_).get(), pieces.data(), static_cast<int>(1 + parts.size())) >= 0)
    return engine::IoStatus::ok;
  return status_of(errno);
}

}  // namespace sixin4::io
