// IPv6 sockets of the traffic generators. All functions throw std::system_error, and std::logic_error if
// `ipv6` is not an address.
#pragma once

#include <cstdint>
#include <string>

#include <netinet/in.h>

#include "sixin4/base/file_descriptor.hpp"

namespace sixin4::testbed {

/// `ipv6` is an address of a `Side`, `port` is in host byte order.
[[nodiscard]] sockaddr_in6 socket_address(const std::string& ipv6, std::uint16_t port);

/// A socket of `type` (SOCK_STREAM or SOCK_DGRAM, with flags), bound to the address.
[[nodiscard]] base::FileDescriptor bound_socket(int type, const std::string& ipv6, std::uint16_t port);

/// Connects a SOCK_DGRAM socket: it sends to this address and receives from it only.
void connect_datagrams(const base::FileDescriptor& socket, const std::string& ipv6, std::uint16_t port);

/// Makes close(2), also at the end of the process, reset a SOCK_STREAM connection. Otherwise the kernel would
/// retransmit unsent data for minutes and keep the network namespace as long.
void reset_when_closed(const base::FileDescriptor& socket);

/// Sets an option whose value is an int.
void set_option(const base::FileDescriptor& socket, int level, int option, int value);

}  // namespace sixin4::testbed
