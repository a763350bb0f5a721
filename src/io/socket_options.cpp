#include "socket_options.hpp"

#include <bit>
#include <cerrno>
#include <system_error>

#include <arpa/inet.h>

namespace sixin4::io {

namespace {

void set_buffer(const FileDescriptor& fd, int forced_option, int option, int size) {
  if (::setsockopt(fd.get(), SOL_SOCKET, forced_option, &size, sizeof size) == 0) return;
  set_option(fd, SOL_SOCKET, option, size, "the size of a socket's buffer");
}

}  // namespace

void refuse(const std::string& what) {
  throw std::system_error(errno, std::generic_category(), what);
}

FileDescriptor open_packet_socket() {
  FileDescriptor fd{::socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)};
  if (!fd) {
    refuse(errno == EPERM
               ? "cannot open a packet socket: needs CAP_NET_RAW; run as root, or give the capability"
               : "cannot open a packet socket");
  }
  return fd;
}

void set_receive_buffer(const FileDescriptor& fd, int size) {
  set_buffer(fd, SO_RCVBUFFORCE, SO_RCVBUF, size);
}
void set_send_buffer(const FileDescriptor& fd, int size) {
  set_buffer(fd, SO_SNDBUFFORCE, SO_SNDBUF, size);
}

void attach_filter(const FileDescriptor& fd, std::span<sock_filter> program) {
  const sock_fprog filter{.len = static_cast<unsigned short>(program.size()), .filter = program.data()};
  set_option(fd, SOL_SOCKET, SO_ATTACH_FILTER, filter, "a socket filter (SO_ATTACH_FILTER)");
}

std::uint32_t filter_word(const wire::Ipv4Address& address) noexcept {
  return ntohl(std::bit_cast<std::uint32_t>(address.octets));
}

}  // namespace sixin4::io
