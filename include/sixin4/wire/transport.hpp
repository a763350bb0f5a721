// The TCP and UDP fields that the engine reads or changes (RFC 9293 §3.1, RFC 768).
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>

#include "sixin4/wire/bytes.hpp"
#include "sixin4/wire/checksum.hpp"
#include "sixin4/wire/ipv6.hpp"

namespace sixin4::wire {

namespace tcp {
inline constexpr std::size_t min_header_size = 20;
inline constexpr std::size_t checksum_offset = 16;
inline constexpr std::uint8_t flag_fin = 0x01;
inline constexpr std::uint8_t flag_syn = 0x02;
inline constexpr std::uint8_t flag_rst = 0x04;
inline constexpr std::uint8_t flag_psh = 0x08;
inline constexpr std::uint8_t flag_ack = 0x10;
inline constexpr std::uint8_t flag_urg = 0x20;
inline constexpr std::uint8_t flag_ece = 0x40;  ///< RFC 3168 §6.1
inline constexpr std::uint8_t flag_cwr = 0x80;

template <typename Byte>
using Header = std::span<Byte, min_header_size>;

[[nodiscard]] constexpr std::uint32_t sequence_number(Header<const std::uint8_t> header) noexcept {
  return load32<4>(header);
}
/// Bytes, from the data offset field; may be wrong in a malformed packet.
[[nodiscard]] constexpr std::size_t header_length(Header<const std::uint8_t> header) noexcept {
  return std::size_t{4} * (load8<12>(header) >> 4U);
}
[[nodiscard]] constexpr std::uint8_t flags(Header<const std::uint8_t> header) noexcept {
  return load8<13>(header);
}
/// The word with data offset and flags.
[[nodiscard]] constexpr std::uint16_t length_and_flags(Header<const std::uint8_t> header) noexcept {
  return load16<12>(header);
}
constexpr void set_sequence_number(Header<std::uint8_t> header, std::uint32_t value) noexcept {
  store32<4>(header, value);
}
constexpr void set_flags(Header<std::uint8_t> header, std::uint8_t value) noexcept {
  store8<13>(header, value);
}
/// The offset of the MSS value in the options of a TCP header; empty if there is none or the options are
/// malformed.
[[nodiscard]] std::optional<std::size_t> find_mss(Bytes options) noexcept;
}  // namespace tcp

namespace udp {
inline constexpr std::size_t header_size = 8;
inline constexpr std::size_t checksum_offset = 6;

constexpr void set_length(std::span<std::uint8_t, header_size> header, std::uint16_t value) noexcept {
  store16<4>(header, value);
}
}  // namespace udp

/// The offset of the checksum field in a TCP or UDP header; empty for other protocols.
[[nodiscard]] constexpr std::optional<std::size_t> transport_checksum_offset(std::uint8_t protocol) noexcept {
  switch (protocol) {
    case next_header::tcp:
      return tcp::checksum_offset;
    case next_header::udp:
      return udp::checksum_offset;
    default:
      return std::nullopt;
  }
}

/// Whether the protocol's header begins with a source and a destination port.
[[nodiscard]] constexpr bool has_ports(std::uint8_t protocol) noexcept {
  switch (protocol) {
    case next_header::tcp:
    case next_header::udp:
    case next_header::dccp:
    case next_header::sctp:
    case next_header::udp_lite:
      return true;
    default:
      return false;
  }
}

/// The offset of the checksum field, for all protocols whose checksum covers the pseudo-header; else empty.
[[nodiscard]] constexpr std::optional<std::size_t> pseudo_header_checksum_offset(
    std::uint8_t protocol) noexcept {
  switch (protocol) {
    case next_header::tcp:
      return tcp::checksum_offset;
    case next_header::udp:
    case next_header::dccp:
    case next_header::udp_lite:
      return udp::checksum_offset;
    case next_header::icmpv6:
      return 2;
    default:
      return std::nullopt;
  }
}

/// The length in bytes of the TCP or UDP header at `offset` with its options; 0 for another protocol, or if
/// it does not fit the packet.
[[nodiscard]] constexpr std::size_t transport_header_length(Bytes packet, std::uint8_t protocol,
                                                            std::size_t offset) noexcept {
  const std::size_t room = packet.size() - std::min(packet.size(), offset);
  if (protocol == next_header::udp) return room < udp::header_size ? 0 : udp::header_size;
  if (protocol != next_header::tcp || room < tcp::min_header_size) return 0;
  const std::size_t length = tcp::header_length(packet.subspan(offset).first<tcp::min_header_size>());
  return length < tcp::min_header_size || length > room ? 0 : length;
}

/// Whether the checksum of a whole TCP or UDP packet verifies. `packet` is an IPv6 packet cut to its length,
/// `offset` that of its transport header.
[[nodiscard]] inline bool has_valid_transport_checksum(Bytes packet, std::uint8_t protocol,
                                                       std::size_t offset) noexcept {
  const Ipv6Header header{packet.first<ipv6_header_size>()};
  const Bytes transport = packet.subspan(offset);
  const auto pseudo = pseudo_header_sum(header.source(), header.destination(),
                                        static_cast<std::uint32_t>(transport.size()), protocol);
  return (pseudo + sum_of(transport)).checksum() == 0;
}

}  // namespace sixin4::wire
