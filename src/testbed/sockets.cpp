#include "sockets.hpp"

#include <stdexcept>

#include <arpa/inet.h>
#include <sys/socket.h>

#include "sixin4/base/system_failure.hpp"

namespace sixin4::testbed {

sockaddr_in6 socket_address(const std::string& ipv6, std::uint16_t port) {
  sockaddr_in6 address{};
  address.sin6_family = AF_INET6;
  address.sin6_port = htons(port);
  if (::inet_pton(AF_INET6, ipv6.c_str(), &address.sin6_addr) != 1) {
    throw std::logic_error(ipv6 + " is not an IPv6 address");
  }
  return address;
}

base::FileDescriptor bound_socket(int type, const std::string& ipv6, std::uint16_t port) {
  base::FileDescriptor socket{::socket(AF_INET6, type | SOCK_CLOEXEC, 0)};
  if (!socket) throw base::system_failure("cannot open a socket for traffic (socket)");
  set_option(socket, SOL_SOCKET, SO_REUSEADDR, 1);
  const sockaddr_in6 address = socket_address(ipv6, port);
  if (::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    throw base::system_failure("cannot bind a socket to [" + ipv6 + "]:" + std::to_string(port));
  }
  return socket;
}

void connect_datagrams(const base::FileDescriptor& socket, const std::string& ipv6, std::uint16_t port) {
  const sockaddr_in6 address = socket_address(ipv6, port);
  if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    throw base::system_failure("cannot connect a socket to [" + ipv6 + "]:" + std::to_string(port));
  }
}

void reset_when_closed(const base::FileDescriptor& socket) {
  const linger reset{.l_onoff = 1, .l_linger = 0};
  if (::setsockopt(socket.get(), SOL_SOCKET, SO_LINGER, &reset, sizeof reset) != 0) {
    throw base::system_failure("cannot set SO_LINGER of a TCP socket (setsockopt)");
  }
}

void set_option(const base::FileDescriptor& socket, int level, int option, int value) {
  if (::setsockopt(socket.get(), level, option, &value, sizeof value) != 0) {
    throw base::system_failure("cannot set option " + std::to_string(option) +
                               " of a socket for traffic (setsockopt)");
  }
}

}  // namespace sixin4::testbed
