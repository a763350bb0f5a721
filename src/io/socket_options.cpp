#include "socket_options.hpp"

#include <bit>
#include <cerrno>
#include <system_error>

#include <arpa/inet.h>

#include "sixin4/base/system_failure.hpp"

namespace sixin4::io {

namespace {

void try_buffer(const base::FileDescriptor& fd, int forced_option, int option, int size,
                std::string& missing) {
  const bool set = ::setsockopt(fd.get(), SOL_SOCKET, forced_option, &size, sizeof size) == 0 ||
                   ::setsockopt(fd.get(), SOL_SOCKET, option, &size, sizeof size) == 0;
  if (!set) missing = refusal_of(option == SO_RCVBUF ? "SO_RCVBUF" : "SO_SNDBUF");
}

sock_fprog filter_of(std::span<sock_filter> program) noexcept {
  return {.len = static_cast<unsigned short>(program.size()), .filter = program.data()};
}

}  // namespace

std::string refusal_of(const char* what) {
  return std::string{what} + ": " + std::generic_category().message(errno);
}

base::FileDescriptor open_packet_socket() {
  base::FileDescriptor fd{::socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)};
  if (!fd) {
    throw base::system_failure(
        errno == EPERM ? "cannot open a packet socket: needs CAP_NET_RAW; run as root, or give the capability"
                       : "cannot open a packet socket");
  }
  return fd;
}

void try_receive_buffer(const base::FileDescriptor& fd, int size, std::string& missing) {
  try_buffer(fd, SO_RCVBUFFORCE, SO_RCVBUF, size, missing);
}
void try_send_buffer(const base::FileDescriptor& fd, int size, std::string& missing) {
  try_buffer(fd, SO_SNDBUFFORCE, SO_SNDBUF, size, missing);
}

void attach_filter(const base::FileDescriptor& fd, std::span<sock_filter> program) {
  set_option(fd, SOL_SOCKET, SO_ATTACH_FILTER, filter_of(program), "a socket filter (SO_ATTACH_FILTER)");
}

bool try_filter(const base::FileDescriptor& fd, std::span<sock_filter> program, std::string& missing) {
  return try_option(fd, SOL_SOCKET, SO_ATTACH_FILTER, filter_of(program), "SO_ATTACH_FILTER", missing);
}

std::uint32_t filter_word(const wire::Ipv4Address& address) noexcept {
  return ntohl(std::bit_cast<std::uint32_t>(address.octets));
}

}  // namespace sixin4::io
