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
      return std::nullopt;  // not a super-packet over IPv6
  }
}

/// The sum of the words that differ between segments, without the checksum: TCP sequence number and flags, or
/// UDP length.
wire::InternetSum differing_words(wire::Bytes transport, std::uint8_t protocol) noexcept {
  if (protocol != wire::next_header::tcp) {
    return wire::InternetSum{wire::load16<4>(transport.first<wire::udp::header_size>())};
  }
  const auto tcp = transport.first<wire::tcp::min_header_size>();
  return wire::InternetSum{std::uint64_t{wire::tcp::sequence_number(tcp)} + wire::tcp::length_and_flags(tcp)};
}

}  // namespace

std::optional<UnfinishedChecksum> checksum_to_finish(const TunPacket& packet) noexcept {
  const wire::VnetHeader& offload = packet.offload;
  if (!offload.needs_checksum) return UnfinishedChecksum{};
  const std::size_t start = offload.checksum_start;
  const auto field = wire::fixed<2>(packet.bytes, start + offload.checksum_offset);
  if (!field || start < wire::ipv6_header_size) return std::nullopt;
  return UnfinishedChecksum{.start = offload.checksum_start, .offset = offload.checksum_offset};
}

bool finish_checksum(TunPacket& packet) noexcept {
  const auto checksum = checksum_to_finish(packet);
  if (!checksum) return false;
  if (checksum->start == 0) return true;
  const wire::MutableBytes transport = packet.bytes.subspan(checksum->start);
  // The checksum field holds the pseudo-header sum, so the sum of all bytes includes it.
  const auto sum = wire::sum_of(transport);
  wire::store16<0>(transport.subspan(checksum->offset).first<2>(), sum.transport_checksum());
  packet.offload.needs_checksum = false;
  return true;
}

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
  if (transport_length == 0 || upper->offset + transport_length > max_headers) return std::nullopt;
  return Segments{packet.bytes, *protocol, packet.offload.checksum_start, upper->offset + transport_length,
                  packet.offload.gso_size};
}

Segments::Segments(wire::Bytes packet, std::uint8_t protocol, std::uint16_t transport,
                   std::size_t header_length, std::uint16_t size) noexcept
    : headers_(packet.first(header_length)),
      payload_(packet.subspan(header_length)),
      count_(std::max(1U, static_cast<std::uint32_t>((payload_.size() + size - 1) / size))),
      transport_(transport),
      size_(size),
      protocol_(protocol) {
  const wire::Ipv6Header ip = ip_header();
  addresses_ = wire::sum_of_addresses(ip.source(), ip.destination());
  const wire::Bytes header = headers_.subspan(transport);
  const auto checksum = header.subspan(*wire::transport_checksum_offset(protocol)).first<2>();
  common_ = wire::sum_of(header) + differing_words(header, protocol).inverse() +
            wire::InternetSum{wire::load16<0>(checksum)}.inverse();
}

void Segments::write_headers(std::size_t index, wire::MutableBytes headers) const noexcept {
  const wire::Bytes body = payload(index);
  const auto sum = write_fields(index, headers) + wire::sum_of(body) +
                   pseudo_header_sum(headers.size() - transport_ + body.size());
  write_checksum(headers, sum.transport_checksum());
}

void Segments::write_unfinished_headers(std::size_t index, wire::MutableBytes headers) const noexcept {
  (void)write_fields(index, headers);
  write_checksum(headers, pseudo_header_sum(headers.size() - transport_ + payload(index).size()).folded());
}

UnfinishedChecksum Segments::checksum_field() const noexcept {
  return {.start = transport_,
          .offset = static_cast<std::uint16_t>(*wire::transport_checksum_offset(protocol_))};
}

wire::InternetSum Segments::write_fields(std::size_t index, wire::MutableBytes headers) const noexcept {
  const std::size_t length = headers_.size() + payload(index).size();
  wire::copy(headers_, headers);
  wire::set_payload_length(headers.first<wire::ipv6_header_size>(),
                           static_cast<std::uint16_t>(length - wire::ipv6_header_size));

  // Sum the values before they are stored, because loading just-stored bytes as part of a larger word is
  // slow.
  const wire::MutableBytes transport = headers.subspan(transport_);
  if (protocol_ != wire::next_header::tcp) {
    const auto datagram_length = static_cast<std::uint16_t>(length - transport_);
    wire::udp::set_length(transport.first<wire::udp::header_size>(), datagram_length);
    return common_ + wire::InternetSum{datagram_length};
  }
  const auto original = headers_.subspan(transport_).first<wire::tcp::min_header_size>();
  const auto tcp = transport.first<wire::tcp::min_header_size>();
  const std::uint32_t sequence_number =
      wire::tcp::sequence_number(original) + static_cast<std::uint32_t>(index * size_);
  unsigned length_and_flags = wire::tcp::length_and_flags(original);
  if (index != 0) length_and_flags &= ~unsigned{wire::tcp::flag_cwr};
  if (index + 1 != count_) length_and_flags &= ~(unsigned{wire::tcp::flag_fin} | wire::tcp::flag_psh);
  wire::tcp::set_sequence_number(tcp, sequence_number);
  wire::tcp::set_flags(tcp, static_cast<std::uint8_t>(length_and_flags));
  return common_ + wire::InternetSum{std::uint64_t{sequence_number} + length_and_flags};
}

wire::InternetSum Segments::pseudo_header_sum(std::size_t length) const noexcept {
  return addresses_ + wire::InternetSum{std::uint64_t{length} + protocol_};
}

void Segments::write_checksum(wire::MutableBytes headers, std::uint16_t checksum) const noexcept {
  wire::store16<0>(headers.subspan(transport_ + *wire::transport_checksum_offset(protocol_)).first<2>(),
                   checksum);
}

}  // namespace sixin4::engine
