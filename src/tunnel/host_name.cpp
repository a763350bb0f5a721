#include "host_name.hpp"

#include <bit>
#include <cerrno>
#include <memory>
#include <stdexcept>
#include <system_error>

#include <netdb.h>
#include <netinet/in.h>

#include "sixin4/base/system_failure.hpp"
#include "sixin4/config/values.hpp"
#include "sixin4/wire/address_text.hpp"

namespace sixin4::tunnel {

wire::Ipv4Address resolve_ipv4(const std::string& host) {
  if (const auto address = wire::parse_ipv4_address(host)) return *address;
  addrinfo hints{};
  hints.ai_family = AF_INET;
  hints.ai_socktype = SOCK_RAW;
  addrinfo* found = nullptr;
  const int error = ::getaddrinfo(host.c_str(), nullptr, &hints, &found);
  if (error == EAI_SYSTEM) throw base::system_failure("cannot resolve remote " + host);
  if (error != 0) throw std::runtime_error("cannot resolve remote " + host + ": " + ::gai_strerror(error));
  const std::unique_ptr<addrinfo, void (*)(addrinfo*)> owner{found, ::freeaddrinfo};
  const auto* socket_address = reinterpret_cast<const sockaddr_in*>(found->ai_addr);
  const wire::Ipv4Address address{
      std::bit_cast<std::array<std::uint8_t, 4>>(socket_address->sin_addr.s_addr)};
  const char* const kind = config::kind_of_no_host(address);
  // 127.0.0.0/8 is refused later, by the look-up of the path: to the kernel it is this host.
  if (kind == nullptr || address.octets[0] == 127) return address;
  throw std::runtime_error("remote " + host + " resolves to " + to_string(address) +
                           ", which is not the address of one host, but " + kind);
}

}  // namespace sixin4::tunnel
