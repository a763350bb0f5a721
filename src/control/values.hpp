// What values of several keys have in common.
#pragma once

#include <array>
#include <charconv>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <vector>

#include "sixin4/control/printable.hpp"
#include "sixin4/wire/address.hpp"

namespace sixin4::control {

/// What is wrong with a value; the caller adds place and key.
class ValueError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

template <typename Number>
Number parse_number(const std::string& text, Number least, Number most, int base = 10) {
  Number number{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number, base);
  if (error != std::errc{} || end != text.data() + text.size() || number < least || number > most) {
    const auto in_base = [base](Number n) {
      std::array<char, 24> buffer{};
      return std::string{buffer.data(),
                         std::to_chars(buffer.data(), buffer.data() + buffer.size(), n, base).ptr};
    };
    throw ValueError(in_quotes(text) + " is not a number from " + in_base(least) + " to " + in_base(most) +
                     (base == 16 ? ", hexadecimal" : ""));
  }
  return number;
}

[[nodiscard]] std::vector<std::string> split_words(const std::string& text);

/// PREFIX/LENGTH without bits beyond the length. Throws ValueError.
[[nodiscard]] wire::Ipv6Prefix parse_prefix(const std::string& text);

/// Names of interfaces, as the kernel allows them and a line of a file can hold them. Throws ValueError.
[[nodiscard]] std::string parse_interface(const std::string& text);

/// Throws ValueError where the text is an IPv4 address that no host has.
void require_host(const wire::Ipv4Address& address, const std::string& text);
/// The kind of address, where no host has one: `a multicast address`; nothing where a host may have it.
[[nodiscard]] const char* kind_of_no_host(const wire::Ipv4Address& address);

/// Throws ValueError where the text is an IPv6 address that no host has.
void require_host(const wire::Ipv6Address& address, const std::string& text);

/// Addresses of a kind that no packet in a tunnel has as its source, or that stay on their link.
struct ReservedPrefix {
  wire::Ipv6Prefix prefix;
  const char* kind = "";
};
enum class LinkLocal : std::uint8_t { allowed, reserved };
/// The reserved prefix that has some of these addresses, or all of them; null where there is none.
[[nodiscard]] const ReservedPrefix* reserved_in(const wire::Ipv6Range& range, LinkLocal link_local);
[[nodiscard]] const ReservedPrefix* reserved_around(const wire::Ipv6Range& range, LinkLocal link_local);
/// `ff00::/8, multicast addresses`.
[[nodiscard]] std::string describe(const ReservedPrefix& reserved);

}  // namespace sixin4::control
