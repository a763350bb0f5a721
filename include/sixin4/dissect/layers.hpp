// Splits a packet into layers: its IP headers, also inside GRE, VXLAN and Geneve, and the payload of the last
// one.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "sixin4/wire/bytes.hpp"
#include "sixin4/wire/ipv4.hpp"

namespace sixin4::dissect {

/// The protocol between an IP header and the next one.
enum class Carrier : std::uint8_t { none, gre, vxlan, geneve };

/// An IP header, and the packet that begins with it.
struct Layer {
  std::uint8_t version = 0;       ///< 4 or 6; `bytes` has at least the fixed header of that version
  wire::Bytes bytes{};            ///< captured bytes of the packet, without padding
  std::size_t length = 0;         ///< of the packet, by its header
  std::size_t missing = 0;        ///< bytes of `length` that do not fit into the outer packet
  std::size_t header_length = 0;  ///< with options or extension headers; 0: not captured whole
  std::uint8_t protocol = 0;      ///< of the payload, after extension headers
  bool fragment = false;
  bool more_fragments = false;
  std::size_t fragment_offset = 0;   ///< in bytes
  std::uint32_t identification = 0;  ///< of the fragmented packet
  Carrier carrier = Carrier::none;   ///< between this layer and the next one
  std::uint32_t network = 0;         ///< virtual network identifier of VXLAN and Geneve

  /// An IPv4 header whose payload is an IPv6 packet.
  [[nodiscard]] constexpr bool is_6in4() const noexcept {
    return version == 4 && protocol == wire::protocol_ipv6;
  }
};

/// Why there is no further layer.
enum class LayersEnd : std::uint8_t {
  payload,         ///< the payload is not IP
  later_fragment,  ///< the last layer is a fragment with an offset
  fragment,        ///< the last layer is a first fragment, its payload is IP or ends within its header
  too_deep,        ///< the payload is IP, but `most_tunnels` is reached
  cut_short,       ///< too few bytes were captured
  malformed        ///< the payload contradicts itself, or is not the IP packet that it should be
};

struct Layers {
  static constexpr std::size_t most_tunnels = 4;

  std::array<Layer, most_tunnels + 1> all{};
  std::size_t count = 0;
  LayersEnd end = LayersEnd::malformed;
  wire::Bytes payload{};           ///< captured bytes of the payload of the last layer
  std::size_t payload_length = 0;  ///< by the header of the last layer

  [[nodiscard]] std::span<const Layer> layers() const noexcept { return std::span{all}.first(count); }
  /// The packet was not captured whole.
  [[nodiscard]] bool is_truncated() const noexcept;
  /// Index of the outermost 6in4 layer.
  [[nodiscard]] std::optional<std::size_t> outer_6in4() const noexcept;
};

/// `packet` holds the captured bytes of a packet of `length` bytes. Padding may follow the packet in it.
[[nodiscard]] Layers take_apart(wire::Bytes packet, std::size_t length) noexcept;

}  // namespace sixin4::dissect
