// Opening and setting up sockets, for this room's own use. Whatever is refused throws std::system_error.
#pragma once

#include <span>
#include <string>

#include <linux/filter.h>
#include <sys/socket.h>

#include "sixin4/io/file_descriptor.hpp"
#include "sixin4/wire/address.hpp"

namespace sixin4::io {

/// Throws the error in errno.
[[noreturn]] void refuse(const std::string& what);

/// Without a protocol: it receives nothing until it is bound to one.
[[nodiscard]] FileDescriptor open_packet_socket();

template <typename Value>
void set_option(const FileDescriptor& fd, int level, int option, const Value& value, const char* what) {
  if (::setsockopt(fd.get(), level, option, &value, sizeof value) < 0)
    refuse(std::string{"cannot set "} + what);
}

/// In bytes; past the host's limit where that is allowed, up to it where not.
void set_receive_buffer(const FileDescriptor& fd, int size);
void set_send_buffer(const FileDescriptor& fd, int size);

void attach_filter(const FileDescriptor& fd, std::span<sock_filter> program);

/// An address as a socket filter loads it.
[[nodiscard]] std::uint32_t filter_word(const wire::Ipv4Address& address) noexcept;

}  // namespace sixin4::io
