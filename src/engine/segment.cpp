#include "sixin4/engine/segment.hpp"

#include "sixin4/wire/checksum.hpp"
#include "sixin4/wire/ipv6.hpp"
#include "sixin4/wire/transport.hpp"

namespace sixin4::engine {

namespace {

std::optional<std::uint8_t> protocol_of(wire::Gso gso) noexcept {
  switch (gso) {
    case wire::Gso::tcp6:
      return wire::next_header::tcp;
    case wire::Gso::udp:
      return wire::next_header::udp;
    default:
      return std::nullopt;  // never offered to the device
  }
}

}  // namespace

std::optional<Segments> Segments::of(const TunPacket& packet) noexcept {
  const auto protocol = protocol_of(packet.offload.gso);
  const auto upper = wire::upper_layer_of(packet.bytes);
  if (!protocol || !upper || upper->is_fragment() || upper->protocol != *protocol) return std::nullopt;
  if (packet.offload.gso_size == 0 || !packet.offload.needs_checksum ||
      packet.offload.checksum_start != upper->offset ||
      packet.offload.checksum_offset != wire::transport_checksum_offset(*protocol)) {
    return std::nullopt;
  }
  const auto transport_length = wire::transport_header_length(packet.bytes, *protocol, upper->offset);
  if (!transport_length || upper->offset + *transport_length > max_headers) return std::nullopt;
  return Segments{packet.bytes, *protocol, upper->offset, upper->offset + *transport_length,
                  packet.offload.gso_size};
}

void Segments::write_headers(std::size_t index, wire::MutableBytes headers) const noexcept {
  write_unfinished_headers(index, headers);
  const wire::MutableBytes transport = headers.subspan(transport_);
  // The field holds the pseudo-header sum, so it takes part in the sum as it is.
  const auto sum = wire::sum_of(transport) + wire::sum_of(payload(index));
  wire::store16<0>(transport.subspan(*wire::transport_checksum_offset(protocol_)).first<2>(),
                   sum.transport_checksum());
}

void Segments::write_unfinished_headers(std::size_t index, wire::MutableBytes headers) const noexcept {
  const wire::Bytes body = payload(index);
  const std::size_t length = headers_.size() + body.size();
  const auto transport_length = static_cast<std::uint16_t>(length - transport_);

  std::ranges::copy(headers_, headers.begin());
  const auto ip = headers.first<wire::ipv6_header_size>();
  wire::set_payload_length(ip, static_cast<std::uint16_t>(length - wire::ipv6_header_size));

  const wire::MutableBytes transport = headers.subspan(transport_);
  if (protocol_ == wire::next_header::tcp) {
    const auto tcp = transport.first<wire::tcp::min_header_size>();
    wire::tcp::set_sequence_number(
        tcp, wire::tcp::sequence_number(tcp) + static_cast<std::uint32_t>(index * size_));
    unsigned flags = wire::tcp::flags(tcp);
    if (index != 0) flags &= ~unsigned{wire::tcp::flag_cwr};
    if (index + 1 != count()) flags &= ~(unsigned{wire::tcp::flag_fin} | wire::tcp::flag_psh);
    wire::tcp::set_flags(tcp, static_cast<std::uint8_t>(flags));
  } else {
    wire::udp::set_length(transport.first<wire::udp::header_size>(), transport_length);
  }

  const std::size_t checksum_offset = *wire::transport_checksum_offset(protocol_);
  const auto checksum = transport.subspan(checksum_offset).first<2>();
  const wire::Ipv6Header header{ip};
  const auto pseudo =
      wire::pseudo_header_sum(header.source(), header.destination(), transport_length, protocol_);
  wire::store16<0>(checksum, pseudo.folded());
}

UnfinishedChecksum Segments::unfinished_checksum() const noexcept {
  return {.start = static_cast<std::uint16_t>(transport_),
          .offset = static_cast<std::uint16_t>(*wire::transport_checksum_offset(protocol_))};
}

}  // namespace sixin4::engine
