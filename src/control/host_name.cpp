#include "sixin4/control/host_name.hpp"

#include <bit>
#include <cerrno>
#include <memory>
#include <system_error>

#include <netdb.h>
#include <netinet/in.h>

#include "sixin4/control/address_text.hpp"

namespace sixin4::control {

wire::Ipv4Address resolve_ipv4(const std::string& host) {
  if (const auto address = parse_ipv4_address(host)) return *address;
  addrinfo hints{};
  hints.ai_family = AF_INET;
  hints.ai_socktype = SOCK_RAW;
  addrinfo* found = nullptr;
  const int error = ::getaddrinfo(host.c_str(), nullptr, &hints, &found);
  if (error != 0) {
    throw std::system_error(error == EAI_SYSTEM ? errno : EADDRNOTAVAIL, std::generic_category(),
                            "cannot resolve remote " + host + " (" + ::gai_strerror(error) + ")");
  }
  const std::unique_ptr<addrinfo, void (*)(addrinfo*)> owner{found, ::freeaddrinfo};
  const auto* address = reinterpret_cast<const sockaddr_in*>(found->ai_addr);
  return {std::bit_cast<std::array<std::uint8_t, 4>>(address->sin_addr.s_addr)};
}

}  // namespace sixin4::control
