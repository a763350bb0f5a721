// Takes a packet apart: the IP headers of tunnels in tunnels, GRE, VXLAN and Geneve among them, and what the
// last of them carries.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "sixin4/wire/bytes.hpp"
#include "sixin4/wire/ipv4.hpp"

namespace sixin4::dissect {

/// What an IP header and the next one have between them.
enum class Carrier : std::uint8_t { none, gre, vxlan, geneve };

/// An IP header, and the packet that begins with it.
struct Layer {
  std::uint8_t version = 0;       ///< 4 or 6; the fixed header of that version is there
  wire::Bytes bytes{};            ///< what there is of the packet, padding cut off
  std::size_t length = 0;         ///< of the packet, as its header tells
  std::size_t missing = 0;        ///< of these bytes the packet around it has no room for so many
  std::size_t header_length = 0;  ///< with options or extension headers; 0: they are not all there
  std::uint8_t protocol = 0;      ///< of what is behind them
  bool fragment = false;
  bool more_fragments = false;
  std::size_t fragment_offset = 0;   ///< in bytes
  std::uint32_t identification = 0;  ///< of the packet that it is a fragment of
  Carrier carrier = Carrier::none;   ///< of the next layer, where that does not follow at once
  std::uint32_t network = 0;         ///< virtual network identifier of VXLAN and Geneve

  /// Whether an IPv6 packet is right behind an IPv4 header.
  [[nodiscard]] constexpr bool is_6in4() const noexcept {
    return version == 4 && protocol == wire::protocol_ipv6;
  }
};

/// Why there is no further layer.
enum class LayersEnd : std::uint8_t {
  payload,         ///< what comes next is no IP
  later_fragment,  ///< what comes next is from the middle of something
  fragment,        ///< what comes next is IP, or too short for its header: more of it is in other fragments
  too_deep,        ///< what comes next is IP, in more tunnels than are looked into
  cut_short,       ///< the capture has not kept enough
  malformed        ///< what comes next contradicts itself, or is no IP and should be
};

struct Layers {
  static constexpr std::size_t most_tunnels = 4;

  std::array<Layer, most_tunnels + 1> all{};
  std::size_t count = 0;
  LayersEnd end = LayersEnd::malformed;
  wire::Bytes payload{};           ///< what there is of what the last layer carries
  std::size_t payload_length = 0;  ///< as the last layer's header tells

  [[nodiscard]] std::span<const Layer> layers() const noexcept { return std::span{all}.first(count); }
  /// Whether the capture has not kept all of it.
  [[nodiscard]] bool is_truncated() const noexcept;
  /// Of the outermost 6in4 packet, its index; nothing where there is none.
  [[nodiscard]] std::optional<std::size_t> outer_6in4() const noexcept;
};

/// `packet` is what there is of one of `length` bytes; padding may be behind it.
[[nodiscard]] Layers take_apart(wire::Bytes packet, std::size_t length) noexcept;

}  // namespace sixin4::dissect
