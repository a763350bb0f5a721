// Addresses and prefixes as text (RFC 5952), for configuration and messages.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "sixin4/wire/address.hpp"

namespace sixin4::wire {

[[nodiscard]] std::string to_string(const Ipv4Address& address);
[[nodiscard]] std::string to_string(const Ipv6Address& address);

/// `ADDRESS/LENGTH`. Host bits are kept.
[[nodiscard]] std::string to_string(const Ipv6Prefix& prefix);

/// Four decimal octets only: no spaces, no octal numbers, no shortened form. Empty for any other text.
[[nodiscard]] std::optional<Ipv4Address> parse_ipv4_address(std::string_view text);

/// Any form of RFC 4291 §2.2, without brackets and without a zone (`%eth0`). Empty for any other text.
[[nodiscard]] std::optional<Ipv6Address> parse_ipv6_address(std::string_view text);

/// `ADDRESS/LENGTH` with a decimal length of 0 to 128. An address without a length is the prefix /128, as in
/// ip(8). Host bits are kept, because `2001:db8::2/64` also names an address on its link. Empty for any other
/// text.
[[nodiscard]] std::optional<Ipv6Prefix> parse_ipv6_prefix(std::string_view text);

}  // namespace sixin4::wire
