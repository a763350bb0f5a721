// The IPv4 header (RFC 791) around a tunnelled packet.
#pragma once

#include <cstdint>
#include <optional>

#include "sixin4/wire/address.hpp"
#include "sixin4/wire/bytes.hpp"

namespace sixin4::wire {

inline constexpr std::size_t ipv4_header_size = 20;  ///< without options
inline constexpr std::size_t ipv4_max_packet = 65535;
inline constexpr std::size_t ipv4_min_mtu = 68;    ///< RFC 791: what every link takes without fragmenting
inline constexpr std::uint8_t protocol_ipv6 = 41;  ///< IPv6 encapsulation (RFC 4213 §3.5)

/// A view of the 20 bytes that every IPv4 header has.
class Ipv4Header {
 public:
  explicit constexpr Ipv4Header(std::span<const std::uint8_t, ipv4_header_size> bytes) noexcept
      : bytes_(bytes) {}

  /// Nothing where the packet is shorter than a header, is not version 4, or gives lengths that do not fit
  /// it.
  [[nodiscard]] static std::optional<Ipv4Header> at(Bytes packet) noexcept;

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
  [[nodiscard]] Source<Ipv4Address> source() const noexcept;
  [[nodiscard]] Destination<Ipv4Address> destination() const noexcept;

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

/// Writes a header without options, its checksum included.
void write_ipv4_header(std::span<std::uint8_t, ipv4_header_size> header, const Ipv4Fields& fields) noexcept;

}  // namespace sixin4::wire
