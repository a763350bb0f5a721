// What values of several keys have in common.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "sixin4/base/number.hpp"
#include "sixin4/wire/address.hpp"

namespace sixin4::config {

[[nodiscard]] std::vector<std::string> split_words(const std::string& text);

/// PREFIX/LENGTH without bits beyond the length. Throws ValueError.
[[nodiscard]] wire::Ipv6Prefix parse_prefix(const std::string& text);

/// `tcp`, `udp`, `icmpv6`, or a number. Throws ValueError.
[[nodiscard]] std::uint8_t parse_protocol(const std::string& text);

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

}  // namespace sixin4::config
