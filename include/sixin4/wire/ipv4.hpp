// The outer IPv4 header (RFC 791).
#pragma once

#include <cstdint>
#include <optional>

#include "sixin4/wire/address.hpp"
#include "sixin4/wire/bytes.hpp"
#include "sixin4/wire/checksum.hpp"

namespace sixin4::wire {

inline constexpr std::size_t ipv4_header_size = 20;  ///< without options
inline constexpr std::size_t ipv4_max_packet = 65535;
inline constexpr std::size_t ipv4_min_mtu = 68;    ///< RFC 791: every link takes this much without fragments
inline constexpr std::uint8_t protocol_ipv6 = 41;  ///< IPv6 encapsulation (RFC 4213 §3.5)

/// A view of the 20 bytes that every IPv4 header has. Borrows them.
class Ipv4Header {
 public:
  explicit constexpr Ipv4Header(std::span<const std::uint8_t, ipv4_header_size> bytes) noexcept
      : bytes_(bytes) {}

  /// Whether `packet` begins with an IPv4 header: long enough, version 4, and with a header length within the
  /// packet.
  [[nodiscard]] static constexpr bool begins(Bytes packet) noexcept {
    if (packet.size() < ipv4_header_size || packet.front() >> 4U != 4) return false;
    const std::size_t length = Ipv4Header{packet.first<ipv4_header_size>()}.header_length();
    return length >= ipv4_header_size && length <= packet.size();
  }
  /// Empty if `begins` is false.
  [[nodiscard]] static constexpr std::optional<Ipv4Header> at(Bytes packet) noexcept {
    if (!begins(packet)) return std::nullopt;
    return Ipv4Header{packet.first<ipv4_header_size>()};
  }

  [[nodiscard]] constexpr std::size_t header_length() const noexcept {
    return std::size_t{4} * (load8<0>(bytes_) & 0x0fU);
  }
  [[nodiscard]] constexpr std::uint8_t tos() const noexcept { return load8<1>(bytes_); }
  [[nodiscard]] constexpr std::uint16_t total_length() const noexcept { return load16<2>(bytes_); }
  [[nodiscard]] constexpr std::uint16_t identification() const noexcept { return load16<4>(bytes_); }
  [[nodiscard]] constexpr bool dont_fragment() const noexcept { return (load16<6>(bytes_) & 0x4000U) != 0; }
  [[nodiscard]] constexpr bool more_fragments() const noexcept { return (load16<6>(bytes_) & 0x2000U) != 0; }
  /// In bytes.
  [[nodiscard]] constexpr std::size_t fragment_offset() const noexcept {
    return std::size_t{8} * (load16<6>(bytes_) & 0x1fffU);
  }
  [[nodiscard]] constexpr bool is_fragment() const noexcept {
    return more_fragments() || fragment_offset() != 0;
  }
  [[nodiscard]] constexpr std::uint8_t ttl() const noexcept { return load8<8>(bytes_); }
  [[nodiscard]] constexpr std::uint8_t protocol() const noexcept { return load8<9>(bytes_); }
  [[nodiscard]] constexpr Source<Ipv4Address> source() const noexcept { return {copy_of<12, 4>(bytes_)}; }
  [[nodiscard]] constexpr Destination<Ipv4Address> destination() const noexcept {
    return {copy_of<16, 4>(bytes_)};
  }

 private:
  std::span<const std::uint8_t, ipv4_header_size> bytes_;
};

struct Ipv4Fields {
  std::uint8_t tos = 0;
  std::uint16_t total_length = 0;
  std::uint16_t identification = 0;
  bool dont_fragment = false;
  bool more_fragments = false;
  std::uint16_t fragment_offset = 0;  ///< in bytes, a multiple of 8
  std::uint8_t ttl = 0;
  std::uint8_t protocol = protocol_ipv6;
  Source<Ipv4Address> source;
  Destination<Ipv4Address> destination;
};

/// Writes a header without options, with its checksum.
constexpr void write_ipv4_header(std::span<std::uint8_t, ipv4_header_size> header,
                                 const Ipv4Fields& fields) noexcept {
  constexpr std::uint32_t version_and_length = 0x45000000;
  const std::uint32_t flags = (fields.dont_fragment ? 0x4000U : 0U) | (fields.more_fragments ? 0x2000U : 0U);
  const std::uint32_t first =
      version_and_length | std::uint32_t{fields.tos} << 16U | std::uint32_t{fields.total_length};
  const std::uint32_t second =
      std::uint32_t{fields.identification} << 16U | flags | std::uint32_t{fields.fragment_offset} / 8U;
  const std::uint32_t third = std::uint32_t{fields.ttl} << 24U | std::uint32_t{fields.protocol} << 16U;
  const std::uint32_t source = load32<0>(std::span{fields.source.address.octets});
  const std::uint32_t destination = load32<0>(std::span{fields.destination.address.octets});
  const InternetSum sum{std::uint64_t{first} + second + third + source + destination};
  store32<0>(header, first);
  store32<4>(header, second);
  store32<8>(header, third | sum.checksum());
  store32<12>(header, source);
  store32<16>(header, destination);
}

}  // namespace sixin4::wire
