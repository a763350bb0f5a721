#include "sixin4/wire/ipv6.hpp"

#include <algorithm>

namespace sixin4::wire {

std::optional<Ipv6Header> Ipv6Header::at(Bytes packet) noexcept {
  const auto header = at_quoted(packet);
  return header && header->packet_length() <= packet.size() ? header : std::nullopt;
}

std::optional<Ipv6Header> Ipv6Header::at_quoted(Bytes start) noexcept {
  const auto bytes = fixed<ipv6_header_size>(start);
  if (!bytes || load8<0>(*bytes) >> 4U != 6) return std::nullopt;
  const Ipv6Header header{*bytes};
  const bool jumbogram = header.payload_length() == 0 && header.next_header() == next_header::hop_by_hop;
  if (jumbogram) return std::nullopt;
  return header;
}

Source<Ipv6Address> Ipv6Header::source() const noexcept {
  Source<Ipv6Address> source;
  std::ranges::copy(bytes_.subspan<8, 16>(), source.address.octets.begin());
  return source;
}

Destination<Ipv6Address> Ipv6Header::destination() const noexcept {
  Destination<Ipv6Address> destination;
  std::ranges::copy(bytes_.subspan<24, 16>(), destination.address.octets.begin());
  return destination;
}

void write_ipv6_header(std::span<std::uint8_t, ipv6_header_size> header, const Ipv6Fields& fields) noexcept {
  store32<0>(header, 0x60000000U | std::uint32_t{fields.traffic_class} << 20U);
  set_payload_length(header, fields.payload_length);
  store8<6>(header, fields.next_header);
  store8<7>(header, fields.hop_limit);
  std::ranges::copy(fields.source.address.octets, header.subspan<8, 16>().begin());
  std::ranges::copy(fields.destination.address.octets, header.subspan<24, 16>().begin());
}

std::optional<UpperLayer> upper_layer_of(Bytes packet) noexcept {
  const auto fixed_header = Ipv6Header::at_quoted(packet);
  if (!fixed_header) return std::nullopt;
  packet = packet.first(std::min(packet.size(), fixed_header->packet_length()));

  UpperLayer upper{.protocol = fixed_header->next_header(), .offset = ipv6_header_size};
  // Every turn moves on by at least 8 bytes, so the chain ends.
  for (;;) {
    std::size_t length = 0;
    switch (upper.protocol) {
      case next_header::hop_by_hop:
      case next_header::routing:
      case next_header::destination_options:
      case next_header::mobility:
      case next_header::host_identity:
      case next_header::shim6: {
        const auto extension = fixed<2>(packet, upper.offset);
        if (!extension) return std::nullopt;
        length = (std::size_t{load8<1>(*extension)} + 1) * 8;  // in 8-octet units, not counting the first
        break;
      }
      case next_header::authentication: {
        const auto extension = fixed<2>(packet, upper.offset);
        if (!extension) return std::nullopt;
        length = (std::size_t{load8<1>(*extension)} + 2) * 4;  // in 4-octet units minus 2 (RFC 4302 §2.2)
        break;
      }
      case next_header::fragment: {
        const auto extension = fixed<8>(packet, upper.offset);
        if (!extension) return std::nullopt;
        upper.fragment_offset = load16<2>(*extension) & 0xfff8U;
        // A second fragment header does not make a fragment whole.
        upper.more_fragments = upper.more_fragments || (load16<2>(*extension) & 1U) != 0;
        length = 8;
        break;
      }
      default:
        return upper;
    }
    const auto extension = slice(packet, upper.offset, length);
    if (!extension) return std::nullopt;
    upper.protocol = extension->front();
    upper.offset += length;
    // Behind the header of a later fragment stands payload, not another header.
    if (upper.fragment_offset != 0) return upper;
  }
}

}  // namespace sixin4::wire
