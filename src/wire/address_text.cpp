// Text of addresses and prefixes, by inet_pton(3) and inet_ntop(3).
#include "sixin4/wire/address_text.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>

#include <arpa/inet.h>
#include <netinet/in.h>

namespace sixin4::wire {
namespace {

template <typename Address>
inline constexpr int family_of = AF_INET6;
template <>
inline constexpr int family_of<Ipv4Address> = AF_INET;

template <typename Address>
std::string print(const Address& address) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  // Cannot fail: the family is known and the longest address fits.
  static_cast<void>(
      inet_ntop(family_of<Address>, address.octets.data(), text.data(), static_cast<socklen_t>(text.size())));
  return text.data();
}

template <typename Address>
std::optional<Address> parse(std::string_view text) {
  // inet_pton needs a NUL at the end, which a view does not have, and would stop at one in the middle.
  std::array<char, INET6_ADDRSTRLEN> terminated{};
  if (text.size() >= terminated.size() || text.find('\0') != std::string_view::npos) return std::nullopt;
  std::copy(text.begin(), text.end(), terminated.begin());
  Address address;
  if (inet_pton(family_of<Address>, terminated.data(), address.octets.data()) != 1) return std::nullopt;
  return address;
}

}  // namespace

std::string to_string(const Ipv4Address& address) {
  return print(address);
}
std::string to_string(const Ipv6Address& address) {
  return print(address);
}
std::string to_string(const Ipv6Prefix& prefix) {
  return print(prefix.address) + '/' + std::to_string(prefix.length);
}

std::optional<Ipv4Address> parse_ipv4_address(std::string_view text) {
  return parse<Ipv4Address>(text);
}

std::optional<Ipv6Address> parse_ipv6_address(std::string_view text) {
  return parse<Ipv6Address>(text);
}

std::optional<Ipv6Prefix> parse_ipv6_prefix(std::string_view text) {
  constexpr std::uint8_t longest = 128;
  const std::size_t slash = text.find('/');
  const auto address = parse_ipv6_address(text.substr(0, slash));
  if (!address) return std::nullopt;
  if (slash == std::string_view::npos) return Ipv6Prefix{*address, longest};

  const std::string_view digits = text.substr(slash + 1);
  const char* const end = digits.data() + digits.size();
  std::uint8_t length = 0;
  const auto [stopped, error] = std::from_chars(digits.data(), end, length);
  if (error != std::errc{} || stopped != end || length > longest) return std::nullopt;
  return Ipv6Prefix{*address, length};
}

}  // namespace sixin4::wire
