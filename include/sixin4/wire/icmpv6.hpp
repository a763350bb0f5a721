// ICMPv6 messages (RFC 4443).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "sixin4/wire/address.hpp"
#include "sixin4/wire/bytes.hpp"
#include "sixin4/wire/ipv6.hpp"

namespace sixin4::wire::icmpv6 {

inline constexpr std::size_t header_size = 8;
inline constexpr std::uint8_t type_destination_unreachable = 1;
inline constexpr std::uint8_t code_prohibited = 1;  ///< administratively prohibited
inline constexpr std::uint8_t code_address_unreachable = 3;
inline constexpr std::uint8_t code_source_failed_policy = 5;  ///< ingress or egress policy
inline constexpr std::uint8_t type_packet_too_big = 2;
inline constexpr std::uint8_t type_echo_request = 128;
inline constexpr std::uint8_t type_echo_reply = 129;
inline constexpr std::uint8_t type_redirect = 137;  ///< RFC 4861 §4.5

/// Error messages are types 0 to 127, informational ones 128 to 255 (RFC 4443 §2.1).
[[nodiscard]] constexpr bool is_error(std::uint8_t type) noexcept {
  return type < 128;
}

/// The content of an error: type, code and the four bytes after the checksum.
struct Error {
  std::uint8_t type = 0;
  std::uint8_t code = 0;
  std::uint32_t parameter = 0;  ///< the MTU in Packet Too Big, else unused
  bool operator==(const Error&) const = default;
};

[[nodiscard]] constexpr Error packet_too_big(std::uint32_t mtu) noexcept {
  return {.type = type_packet_too_big, .code = 0, .parameter = mtu};
}
[[nodiscard]] constexpr Error destination_unreachable(std::uint8_t code) noexcept {
  return {.type = type_destination_unreachable, .code = code, .parameter = 0};
}

/// RFC 4443 §2.4 (c): an error never exceeds the minimum MTU.
using ErrorBuffer = std::array<std::uint8_t, ipv6_min_mtu>;

/// Writes an error from `source` to the sender of `offending`, an IPv6 packet or the start of one, into
/// `buffer`, quoting as much as fits, and returns its bytes.
[[nodiscard]] Bytes write_icmp_error(ErrorBuffer& buffer, Bytes offending, const Error& error,
                                     const Source<Ipv6Address>& source) noexcept;

}  // namespace sixin4::wire::icmpv6
