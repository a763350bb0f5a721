#include "sixin4/io/echo_socket.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <string>

#include <net/if.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <sys/random.h>
#include <sys/socket.h>

#include "sixin4/base/system_failure.hpp"
#include "sixin4/wire/bytes.hpp"
#include "sixin4/wire/icmpv6.hpp"

#include "socket_options.hpp"

namespace sixin4::io {

namespace {

std::uint16_t random_identifier() {
  std::uint16_t identifier = 0;
  if (::getrandom(&identifier, sizeof identifier, 0) != sizeof identifier) {
    throw base::system_failure("cannot get a random number");
  }
  return identifier;
}

base::FileDescriptor open_icmpv6() {
  base::FileDescriptor fd{::socket(AF_INET6, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_ICMPV6)};
  if (!fd) {
    throw base::system_failure(
        errno == EPERM
            ? "cannot open an ICMPv6 socket: needs CAP_NET_RAW; run as root, or give the capability"
            : "cannot open an ICMPv6 socket");
  }
  return fd;
}

}  // namespace

EchoSocket::EchoSocket(const wire::Ipv6Address& destination, int link_index)
    : fd_(open_icmpv6()), identifier_(random_identifier()) {
  std::string unneeded;  // ignored, because `receive` checks type and identifier itself
  icmp6_filter filter{};
  ICMP6_FILTER_SETBLOCKALL(&filter);
  ICMP6_FILTER_SETPASS(ICMP6_ECHO_REPLY, &filter);
  (void)try_option(fd_, IPPROTO_ICMPV6, ICMP6_FILTER, filter, "ICMP6_FILTER", unneeded);
  // Every ICMPv6 socket gets all replies, so this filter keeps those with this identifier. A filter sees a
  // message from its ICMPv6 header on.
  std::array own_replies{
      sock_filter BPF_STMT(BPF_LD | BPF_H | BPF_ABS, 4),
      sock_filter BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, identifier_, 0, 1),
      sock_filter BPF_STMT(BPF_RET | BPF_K, wire::icmpv6::header_size),
      sock_filter BPF_STMT(BPF_RET | BPF_K, 0),
  };
  (void)try_filter(fd_, own_replies, unneeded);
  bind_to(link_index);

  destination_.sin6_family = AF_INET6;
  destination_.sin6_scope_id = static_cast<std::uint32_t>(link_index);
  std::ranges::copy(destination.octets, std::begin(destination_.sin6_addr.s6_addr));
}

/// SO_BINDTOIFINDEX exists since Linux 5.0; before, the link is bound by name.
void EchoSocket::bind_to(int link_index) const {
  std::string missing;
  if (try_option(fd_, SOL_SOCKET, SO_BINDTOIFINDEX, link_index, "SO_BINDTOIFINDEX", missing)) return;
  std::array<char, IF_NAMESIZE> name{};
  if (::if_indextoname(static_cast<unsigned>(link_index), name.data()) == nullptr) {
    throw base::system_failure("cannot find the link of an ICMPv6 socket");
  }
  set_option(fd_, SOL_SOCKET, SO_BINDTODEVICE, name, "the link of an ICMPv6 socket (SO_BINDTODEVICE)");
}

void EchoSocket::send(std::uint16_t sequence) noexcept {
  std::array<std::uint8_t, wire::icmpv6::header_size> request{};
  const std::span<std::uint8_t, wire::icmpv6::header_size> header{request};
  wire::store8<0>(header, ICMP6_ECHO_REQUEST);  // the kernel fills in the checksum
  wire::store16<4>(header, identifier_);
  wire::store16<6>(header, sequence);
  (void)::sendto(fd_.get(), request.data(), request.size(), 0,
                 reinterpret_cast<const sockaddr*>(&destination_), sizeof destination_);
}

std::optional<std::uint16_t> EchoSocket::receive() noexcept {
  std::array<std::uint8_t, wire::icmpv6::header_size> reply{};
  for (;;) {
    sockaddr_in6 source{};
    socklen_t source_size = sizeof source;
    const ssize_t length = ::recvfrom(fd_.get(), reply.data(), reply.size(), 0,
                                      reinterpret_cast<sockaddr*>(&source), &source_size);
    if (length < 0 && errno != EINTR) return std::nullopt;
    const auto header = wire::fixed<wire::icmpv6::header_size>(wire::Bytes{reply});
    const bool matches = length == static_cast<ssize_t>(reply.size()) &&
                         wire::load8<0>(*header) == ICMP6_ECHO_REPLY &&
                         wire::load16<4>(*header) == identifier_ &&
                         std::ranges::equal(source.sin6_addr.s6_addr, destination_.sin6_addr.s6_addr);
    if (matches) return wire::load16<6>(*header);
  }
}

}  // namespace sixin4::io
