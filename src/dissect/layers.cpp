#include "sixin4/dissect/layers.hpp"

#include <algorithm>

#include "sixin4/wire/icmp.hpp"
#include "sixin4/wire/icmpv6.hpp"
#include "sixin4/wire/ipv6.hpp"
#include "sixin4/wire/transport.hpp"

#include "carriers.hpp"

namespace sixin4::dissect {

namespace {

/// A layer, or the reason why there is none. If there is a layer, `end` is the fault of its headers, or
/// `payload` if they have none.
struct Taken {
  std::optional<Layer> layer{};
  LayersEnd end = LayersEnd::payload;
};

/// The reason why fewer than `needed` bytes were captured. `room` is the number of bytes on the wire.
LayersEnd reason_too_short(std::size_t room, std::size_t needed) noexcept {
  return room < needed ? LayersEnd::malformed : LayersEnd::cut_short;
}

/// Sets the length by the header, and cuts the padding off.
void set_length(Layer& layer, std::size_t length, std::size_t room) noexcept {
  layer.length = length;
  layer.missing = length - std::min(length, room);
  layer.bytes = layer.bytes.first(std::min(layer.bytes.size(), length));
}

Taken take_ipv4(wire::Bytes captured, std::size_t room) noexcept {
  const auto fixed_part = wire::fixed<wire::ipv4_header_size>(captured);
  if (!fixed_part) return {.end = reason_too_short(room, wire::ipv4_header_size)};
  const wire::Ipv4Header header{*fixed_part};
  Layer layer{.version = 4, .bytes = captured, .protocol = header.protocol()};
  // Before segmentation by the network card a packet may have the length 0.
  const std::size_t length = header.total_length() == 0 ? room : header.total_length();
  if (header.header_length() < wire::ipv4_header_size || length < header.header_length()) {
    return {.end = LayersEnd::malformed};
  }
  set_length(layer, length, room);
  layer.fragment = header.is_fragment();
  layer.more_fragments = header.more_fragments();
  layer.fragment_offset = header.fragment_offset();
  layer.identification = header.identification();
  if (header.header_length() > layer.bytes.size()) {
    return {.layer = layer, .end = reason_too_short(room, header.header_length())};
  }
  layer.header_length = header.header_length();
  return {.layer = layer};
}

Taken take_ipv6(wire::Bytes captured, std::size_t room) noexcept {
  const auto fixed_part = wire::fixed<wire::ipv6_header_size>(captured);
  if (!fixed_part) return {.end = reason_too_short(room, wire::ipv6_header_size)};
  const wire::Ipv6Header header{*fixed_part};
  Layer layer{.version = 6, .bytes = captured, .protocol = header.next_header()};
  // The length of a jumbogram (RFC 2675) is in an option. A packet before segmentation may look the same.
  const bool jumbo = header.payload_length() == 0 && header.next_header() == wire::next_header::hop_by_hop;
  set_length(layer, jumbo ? std::max(room, wire::ipv6_header_size) : header.packet_length(), room);
  const auto upper = wire::walk_extension_headers(layer.bytes);
  if (!upper) {
    const bool kept = layer.bytes.size() == std::min(layer.length, room);
    return {.layer = layer, .end = kept ? LayersEnd::malformed : LayersEnd::cut_short};
  }
  layer.header_length = upper->offset;
  layer.protocol = upper->protocol;
  layer.fragment = upper->is_fragment();
  layer.more_fragments = upper->more_fragments;
  layer.fragment_offset = upper->fragment_offset;
  layer.identification = upper->identification;
  return {.layer = layer};
}

/// `captured` holds the captured part of `room` bytes on the wire. `version` is the expected version; 0: any.
Taken take_layer(wire::Bytes captured, std::size_t room, unsigned version) noexcept {
  if (captured.empty()) return {.end = reason_too_short(room, 1)};
  const unsigned found = captured.front() >> 4U;
  if (version != 0 && found != version) return {.end = LayersEnd::malformed};
  if (found == 4) return take_ipv4(captured, room);
  if (found == 6) return take_ipv6(captured, room);
  return {.end = LayersEnd::malformed};
}

/// 0 for protocols that are not described further.
std::size_t min_header_size(std::uint8_t protocol) noexcept {
  switch (protocol) {
    case wire::next_header::tcp:
      return wire::tcp::min_header_size;
    case wire::next_header::udp:
      return wire::udp::header_size;
    case wire::next_header::icmpv6:
      return wire::icmpv6::header_size;
    case wire::icmp::protocol:
      return wire::icmp::header_size;
    default:
      return 0;
  }
}

/// `captured` holds the captured part of a payload of `room` bytes on the wire.
LayersEnd end_of_payload(const Layer& layer, wire::Bytes captured, std::size_t room) noexcept {
  const LayersEnd too_short = layer.more_fragments ? LayersEnd::fragment : LayersEnd::malformed;
  if (room < min_header_size(layer.protocol)) return too_short;
  const auto tcp = wire::fixed<wire::tcp::min_header_size>(captured);
  if (layer.protocol != wire::next_header::tcp || !tcp) return LayersEnd::payload;
  const std::size_t header_length = wire::tcp::header_length(*tcp);
  if (header_length < wire::tcp::min_header_size) return LayersEnd::malformed;
  return header_length > room && !layer.more_fragments ? LayersEnd::malformed : LayersEnd::payload;
}

bool is_tunnel(std::uint8_t protocol) noexcept {
  return protocol == wire::protocol_ipv6 || protocol == wire::next_header::ipv4;
}

}  // namespace

bool Layers::is_truncated() const noexcept {
  if (end == LayersEnd::cut_short || count == 0) return end == LayersEnd::cut_short;
  const Layer& first = all.front();
  return first.bytes.size() < first.length - first.missing;
}

std::optional<std::size_t> Layers::outer_6in4() const noexcept {
  const auto found = std::ranges::find_if(layers(), &Layer::is_6in4);
  if (found == layers().end()) return std::nullopt;
  return static_cast<std::size_t>(found - layers().begin());
}

Layers take_apart(wire::Bytes packet, std::size_t length) noexcept {
  Layers result;
  wire::Bytes captured = packet;
  std::size_t room = std::max(length, packet.size());
  unsigned version = 0;
  for (;;) {
    const Taken taken = take_layer(captured, room, version);
    result.end = taken.end;
    if (!taken.layer) return result;
    Layer& layer = result.all[result.count++] = *taken.layer;
    result.payload = {};
    result.payload_length = 0;
    if (taken.end != LayersEnd::payload) return result;

    captured = layer.bytes.subspan(layer.header_length);
    room = layer.length - layer.missing - std::min(layer.length - layer.missing, layer.header_length);
    result.payload = captured;
    result.payload_length = layer.length - layer.header_length;
    if (layer.fragment_offset != 0) {
      result.end = LayersEnd::later_fragment;
      return result;
    }
    if (is_tunnel(layer.protocol)) {
      version = layer.protocol == wire::protocol_ipv6 ? 6 : 4;
      if (layer.fragment) {
        result.end = LayersEnd::fragment;
        return result;
      }
    } else {
      const auto carried = layer.fragment ? std::nullopt : carried_in(layer.protocol, captured, room);
      if (!carried) {
        result.end = end_of_payload(layer, captured, room);
        return result;
      }
      layer.carrier = carried->carrier;
      layer.network = carried->network;
      captured = carried->captured;
      room = carried->room;
      version = 0;
    }
    if (result.count == result.all.size()) {
      result.end = LayersEnd::too_deep;
      return result;
    }
  }
}

}  // namespace sixin4::dissect
