// Sockets of the traffic generators: IPv6, between the tunnel's two addresses.
#pragma once

#include <cstdint>
#include <string>

#include <netinet/in.h>

#include "sixin4/base/file_descriptor.hpp"

namespace sixin4::testbed {

[[nodiscard]] sockaddr_in6 socket_address(const std::string& ipv6, std::uint16_t port);

/// A socket of `type`, which may be SOCK_STREAM or SOCK_DGRAM with flags, bound to that address.
[[nodiscard]] base::FileDescriptor bound_socket(int type, const std::string& ipv6, std::uint16_t port);

/// For SOCK_DGRAM: what is sent goes to that address, and what comes comes from there.
void connect_datagrams(const base::FileDescriptor& socket, const std::string& ipv6, std::uint16_t port);

/// For SOCK_STREAM: closing it, or being killed, ends the connection at once. Else the kernel would go on
/// sending for minutes what is left, and keep the namespace for it.
void reset_when_closed(const base::FileDescriptor& socket);

void set_option(const base::FileDescriptor& socket, int level, int option, int value);

}  // namespace sixin4::testbed
