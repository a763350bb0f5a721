// The IPv6 header and its chain of extension headers (RFC 8200).
#pragma once

#include <cstdint>
#include <optional>

#include "sixin4/wire/address.hpp"
#include "sixin4/wire/bytes.hpp"

namespace sixin4::wire {

inline constexpr std::size_t ipv6_header_size = 40;
inline constexpr std::size_t ipv6_min_mtu = 1280;  ///< RFC 8200 §5

/// Next-header values (IANA, "Protocol Numbers").
namespace next_header {
inline constexpr std::uint8_t hop_by_hop = 0;
inline constexpr std::uint8_t ipv4 = 4;
inline constexpr std::uint8_t tcp = 6;
inline constexpr std::uint8_t udp = 17;
inline constexpr std::uint8_t routing = 43;
inline constexpr std::uint8_t fragment = 44;
inline constexpr std::uint8_t authentication = 51;
inline constexpr std::uint8_t icmpv6 = 58;
inline constexpr std::uint8_t destination_options = 60;
inline constexpr std::uint8_t mobility = 135;
inline constexpr std::uint8_t host_identity = 139;
inline constexpr std::uint8_t shim6 = 140;
}  // namespace next_header

/// A view of the fixed header.
class Ipv6Header {
 public:
  explicit constexpr Ipv6Header(std::span<const std::uint8_t, ipv6_header_size> bytes) noexcept
      : bytes_(bytes) {}

  /// Nothing where the packet is shorter than a header, is not version 6, ends before its payload
  /// length, or is a jumbogram (RFC 2675), whose length no IPv4 packet can hold.
  [[nodiscard]] static std::optional<Ipv6Header> at(Bytes packet) noexcept;
  /// The same for what an ICMP error quotes of a packet: it may end before its payload length.
  [[nodiscard]] static std::optional<Ipv6Header> at_quoted(Bytes start) noexcept;

  [[nodiscard]] constexpr std::uint8_t traffic_class() const noexcept {
    return static_cast<std::uint8_t>(load16<0>(bytes_) >> 4U);
  }
  [[nodiscard]] constexpr std::uint16_t payload_length() const noexcept { return load16<4>(bytes_); }
  /// Of the whole packet, header included.
  [[nodiscard]] constexpr std::size_t packet_length() const noexcept {
    return ipv6_header_size + payload_length();
  }
  [[nodiscard]] constexpr std::uint8_t next_header() const noexcept { return load8<6>(bytes_); }
  [[nodiscard]] constexpr std::uint8_t hop_limit() const noexcept { return load8<7>(bytes_); }
  [[nodiscard]] Source<Ipv6Address> source() const noexcept;
  [[nodiscard]] Destination<Ipv6Address> destination() const noexcept;

 private:
  std::span<const std::uint8_t, ipv6_header_size> bytes_;
};

struct Ipv6Fields {
  std::uint8_t traffic_class = 0;
  std::uint16_t payload_length = 0;
  std::uint8_t next_header = 0;
  std::uint8_t hop_limit = 0;
  Source<Ipv6Address> source;
  Destination<Ipv6Address> destination;
};

void write_ipv6_header(std::span<std::uint8_t, ipv6_header_size> header, const Ipv6Fields& fields) noexcept;

inline void set_traffic_class(std::span<std::uint8_t, ipv6_header_size> header, std::uint8_t value) noexcept {
  store16<0>(header, static_cast<std::uint16_t>((load16<0>(header) & 0xf00fU) | unsigned{value} << 4U));
}
inline void set_payload_length(std::span<std::uint8_t, ipv6_header_size> header,
                               std::uint16_t value) noexcept {
  store16<4>(header, value);
}

/// What stands behind the extension headers.
struct UpperLayer {
  std::uint8_t protocol = 0;
  std::size_t offset = 0;  ///< of the upper-layer header, from the start of the packet
  std::size_t fragment_offset =
      0;  ///< in bytes; not 0: `offset` points into the middle of the original payload
  bool more_fragments = false;
  [[nodiscard]] constexpr bool is_fragment() const noexcept { return fragment_offset != 0 || more_fragments; }
};

/// Walks the extension headers of a packet, or of what is quoted of one. Nothing where there is no IPv6
/// header, or the chain runs past the end.
[[nodiscard]] std::optional<UpperLayer> upper_layer_of(Bytes packet) noexcept;

}  // namespace sixin4::wire
