// The IPv6 header and its chain of extension headers (RFC 8200).
#pragma once

#include <algorithm>
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
inline constexpr std::uint8_t dccp = 33;
inline constexpr std::uint8_t routing = 43;
inline constexpr std::uint8_t fragment = 44;
inline constexpr std::uint8_t authentication = 51;
inline constexpr std::uint8_t icmpv6 = 58;
inline constexpr std::uint8_t destination_options = 60;
inline constexpr std::uint8_t sctp = 132;
inline constexpr std::uint8_t mobility = 135;
inline constexpr std::uint8_t udp_lite = 136;
inline constexpr std::uint8_t host_identity = 139;
inline constexpr std::uint8_t shim6 = 140;
}  // namespace next_header

/// A view of the fixed header. Borrows it.
class Ipv6Header {
 public:
  explicit constexpr Ipv6Header(std::span<const std::uint8_t, ipv6_header_size> bytes) noexcept
      : bytes_(bytes) {}

  /// Whether `packet` begins with an IPv6 header, the payload complete or not. False for a jumbogram (RFC
  /// 2675), because no IPv4 packet can hold one.
  ///
  /// The hot path calls `begins` and then constructs the header without an optional: g++ 12 builds an
  /// optional in memory and copies it at once, which stalls the processor.
  [[nodiscard]] static constexpr bool begins(Bytes packet) noexcept {
    if (packet.size() < ipv6_header_size || packet.front() >> 4U != 6) return false;
    const Ipv6Header header{packet.first<ipv6_header_size>()};
    return header.payload_length() != 0 || header.next_header() != next_header::hop_by_hop;
  }
  /// Whether `begins` is true and the packet is at least as long as its header states.
  [[nodiscard]] static constexpr bool begins_whole(Bytes packet) noexcept {
    return begins(packet) && Ipv6Header{packet.first<ipv6_header_size>()}.packet_length() <= packet.size();
  }

  /// Empty if `begins_whole` is false.
  [[nodiscard]] static constexpr std::optional<Ipv6Header> at(Bytes packet) noexcept {
    if (!begins_whole(packet)) return std::nullopt;
    return Ipv6Header{packet.first<ipv6_header_size>()};
  }
  /// The same for a packet quoted by an ICMP error: empty if `begins` is false.
  [[nodiscard]] static constexpr std::optional<Ipv6Header> at_quoted(Bytes start) noexcept {
    if (!begins(start)) return std::nullopt;
    return Ipv6Header{start.first<ipv6_header_size>()};
  }

  [[nodiscard]] constexpr std::uint8_t traffic_class() const noexcept {
    return static_cast<std::uint8_t>(load16<0>(bytes_) >> 4U);
  }
  [[nodiscard]] constexpr std::uint16_t payload_length() const noexcept { return load16<4>(bytes_); }
  /// Length of the whole packet with its header.
  [[nodiscard]] constexpr std::size_t packet_length() const noexcept {
    return ipv6_header_size + payload_length();
  }
  [[nodiscard]] constexpr std::uint8_t next_header() const noexcept { return load8<6>(bytes_); }
  [[nodiscard]] constexpr std::uint8_t hop_limit() const noexcept { return load8<7>(bytes_); }
  [[nodiscard]] constexpr Source<Ipv6Address> source() const noexcept { return {copy_of<8, 16>(bytes_)}; }
  [[nodiscard]] constexpr Destination<Ipv6Address> destination() const noexcept {
    return {copy_of<24, 16>(bytes_)};
  }

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

/// The end of the extension header chain.
struct UpperLayer {
  std::uint8_t protocol = 0;
  std::size_t offset = 0;           ///< offset of the upper-layer header in the packet
  std::size_t fragment_offset = 0;  ///< in bytes; if not 0, payload without a header begins at `offset`
  bool more_fragments = false;
  std::uint32_t identification = 0;  ///< of the fragmented packet
  [[nodiscard]] constexpr bool is_fragment() const noexcept { return fragment_offset != 0 || more_fragments; }
};

/// The unit in which an extension header gives its length.
enum class ExtensionKind : std::uint8_t { none, in_8_octets, in_4_octets, fragment };

[[nodiscard]] constexpr ExtensionKind extension_kind(std::uint8_t protocol) noexcept {
  switch (protocol) {
    case next_header::hop_by_hop:
    case next_header::routing:
    case next_header::destination_options:
    case next_header::mobility:
    case next_header::host_identity:
    case next_header::shim6:
      return ExtensionKind::in_8_octets;
    case next_header::authentication:
      return ExtensionKind::in_4_octets;
    case next_header::fragment:
      return ExtensionKind::fragment;
    default:
      return ExtensionKind::none;
  }
}

/// Requires that `packet` begins with an IPv6 header and has no bytes after its end. Empty if the chain
/// runs past the end.
[[nodiscard]] std::optional<UpperLayer> walk_extension_headers(Bytes packet) noexcept;

/// The same for any bytes, cut to the length of the packet. Empty also without an IPv6 header.
[[nodiscard]] inline std::optional<UpperLayer> upper_layer_of(Bytes packet) noexcept {
  if (!Ipv6Header::begins(packet)) return std::nullopt;
  const Ipv6Header header{packet.first<ipv6_header_size>()};
  return walk_extension_headers(packet.first(std::min(packet.size(), header.packet_length())));
}

}  // namespace sixin4::wire
