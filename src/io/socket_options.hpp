// Opening and setting up sockets, for this room's own use. Whatever is refused throws std::system_error.
#pragma once

#include <span>
#include <string>

#include <linux/filter.h>
#include <sys/socket.h>

#include "sixin4/base/file_descriptor.hpp"
#include "sixin4/base/system_failure.hpp"
#include "sixin4/wire/address.hpp"

namespace sixin4::io {

/// Without a protocol: it receives nothing until it is bound to one.
[[nodiscard]] base::FileDescriptor open_packet_socket();

template <typename Value>
void set_option(const base::FileDescriptor& fd, int level, int option, const Value& value, const char* what) {
  if (::setsockopt(fd.get(), level, option, &value, sizeof value) < 0)
    throw base::system_failure(std::string{"cannot set "} + what);
}

/// "WHAT: the error in errno", for what the program can do without.
[[nodiscard]] std::string refusal_of(const char* what);

/// An option that the program can do without: says whether it is set, and in `missing` why it is not.
template <typename Value>
[[nodiscard]] bool try_option(const base::FileDescriptor& fd, int level, int option, const Value& value,
                              const char* what, std::string& missing) {
  if (::setsockopt(fd.get(), level, option, &value, sizeof value) == 0) return true;
  missing = refusal_of(what);
  return false;
}

/// In bytes; past the host's limit where that is allowed, up to it where not. A buffer that cannot be set
/// stays as large as the host makes it, which `missing` says.
void try_receive_buffer(const base::FileDescriptor& fd, int size, std::string& missing);
void try_send_buffer(const base::FileDescriptor& fd, int size, std::string& missing);

void attach_filter(const base::FileDescriptor& fd, std::span<sock_filter> program);
[[nodiscard]] bool try_filter(const base::FileDescriptor& fd, std::span<sock_filter> program,
                              std::string& missing);

/// An address as a socket filter loads it.
[[nodiscard]] std::uint32_t filter_word(const wire::Ipv4Address& address) noexcept;

}  // namespace sixin4::io
