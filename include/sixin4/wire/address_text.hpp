// Addresses and prefixes as people write them (RFC 5952), for configuration and messages.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "sixin4/wire/address.hpp"

namespace sixin4::wire {

[[nodiscard]] std::string to_string(const Ipv4Address& address);
[[nodiscard]] std::string to_string(const Ipv6Address& address);

/// `ADDRESS/LENGTH`, host bits included.
[[nodiscard]] std::string to_string(const Ipv6Prefix& prefix);

/// Four decimal octets and nothing else: no surrounding space, no octal, no shortened form.
[[nodiscard]] std::optional<Ipv4Address> parse_ipv4_address(std::string_view text);

/// Any form of RFC 4291 §2.2, without brackets and without a zone (`%eth0`).
[[nodiscard]] std::optional<Ipv6Address> parse_ipv6_address(std::string_view text);

/// `ADDRESS/LENGTH` with a length of 0 to 128 in plain decimal. A bare address is the prefix /128, as it
/// is for ip(8). Bits beyond the length are kept: `2001:db8::2/64` is an address on its link too.
[[nodiscard]] std::optional<Ipv6Prefix> parse_ipv6_prefix(std::string_view text);

}  // namespace sixin4::wire
