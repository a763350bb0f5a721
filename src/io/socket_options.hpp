// Opens and configures sockets. Private to this room. Throws std::system_error if a call fails, except in
// functions named try_….
#pragma once

#include <span>
#include <string>

#include <linux/filter.h>
#include <sys/socket.h>

#include "sixin4/base/file_descriptor.hpp"
#include "sixin4/base/system_failure.hpp"
#include "sixin4/wire/address.hpp"

namespace sixin4::io {

/// Opens a packet socket without a protocol: it receives nothing until it is bound to one.
[[nodiscard]] base::FileDescriptor open_packet_socket();

template <typename Value>
void set_option(const base::FileDescriptor& fd, int level, int option, const Value& value, const char* what) {
  if (::setsockopt(fd.get(), level, option, &value, sizeof value) < 0)
    throw base::system_failure(std::string{"cannot set "} + what);
}

/// "WHAT: MESSAGE OF ERRNO", for a missing optional service.
[[nodiscard]] std::string refusal_of(const char* what);

/// Sets an optional option. Returns whether it is set; if not, `missing` is set to the reason.
template <typename Value>
[[nodiscard]] bool try_option(const base::FileDescriptor& fd, int level, int option, const Value& value,
                              const char* what, std::string& missing) {
  if (::setsockopt(fd.get(), level, option, &value, sizeof value) == 0) return true;
  missing = refusal_of(what);
  return false;
}

/// Sets the buffer size in bytes, beyond the host's limit if that is allowed, else up to it. If that fails,
/// the buffer keeps its default size, and `missing` is set to the reason.
void try_receive_buffer(const base::FileDescriptor& fd, int size, std::string& missing);
void try_send_buffer(const base::FileDescriptor& fd, int size, std::string& missing);

void attach_filter(const base::FileDescriptor& fd, std::span<sock_filter> program);
[[nodiscard]] bool try_filter(const base::FileDescriptor& fd, std::span<sock_filter> program,
                              std::string& missing);

/// The value that a load instruction of a socket filter has for an address.
[[nodiscard]] std::uint32_t filter_word(const wire::Ipv4Address& address) noexcept;

}  // namespace sixin4::io
