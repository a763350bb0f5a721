#include "sixin4/engine/coalesce.hpp"

#include "sixin4/wire/checksum.hpp"
#include "sixin4/wire/ipv6.hpp"
#include "sixin4/wire/transport.hpp"

namespace sixin4::engine {

namespace {

constexpr std::size_t transport = wire::ipv6_header_size;
constexpr std::size_t max_packet = wire::ipv6_header_size + 0xffff;

constexpr unsigned lone_flags = unsigned{wire::tcp::flag_syn} | wire::tcp::flag_rst | wire::tcp::flag_urg;

/// A range of bytes, counted from the IPv6 header.
struct Field {
  std::size_t begin;
  std::size_t end;
};

// Fields that may differ within a run: IPv6 payload length; sequence number, flags and checksum of TCP;
// length and checksum of UDP. All other TCP fields must be equal, as in tcp_gro_receive: acknowledgement,
// window, options.
constexpr std::array tcp_fields{Field{4, 6}, Field{44, 48}, Field{53, 54}, Field{56, 58}};
constexpr std::array udp_fields{Field{4, 6}, Field{44, 48}};

bool same_but_for(std::span<const Field> fields, wire::Bytes left, wire::Bytes right) noexcept {
  std::size_t begin = 0;
  for (const Field& field : fields) {
    if (!std::ranges::equal(left.subspan(begin, field.begin - begin),
                            right.subspan(begin, field.begin - begin)))
      return false;
    begin = field.end;
  }
  return std::ranges::equal(left.subspan(begin), right.subspan(begin));
}

wire::Ipv6Header ip_of(wire::Bytes packet) noexcept {
  return wire::Ipv6Header{packet.first<wire::ipv6_header_size>()};
}

/// A checksum that is still to be computed cannot be wrong.
bool is_unfinished_or_valid(const TunPacket& packet) noexcept {
  if (packet.offload.needs_checksum) return true;
  return wire::has_valid_transport_checksum(packet.bytes, ip_of(packet.bytes).next_header(), transport);
}

}  // namespace

std::optional<Coalescer::Headers> Coalescer::headers_of(wire::Bytes packet) noexcept {
  const std::uint8_t protocol = ip_of(packet).next_header();
  const std::size_t length = wire::transport_header_length(packet, protocol, transport);
  if (length == 0) return std::nullopt;
  Headers headers{.protocol = protocol, .length = transport + length};
  if (protocol == wire::next_header::tcp) {
    const auto tcp = *wire::fixed<wire::tcp::min_header_size>(packet, transport);
    headers.flags = wire::tcp::flags(tcp);
    headers.sequence = wire::tcp::sequence_number(tcp);
  }
  return headers;
}

bool Coalescer::concerns(const Run& run, wire::Bytes packet, const std::optional<Headers>& headers) noexcept {
  const wire::Bytes first = run.whole.packet.bytes;
  const wire::Ipv6Header left = ip_of(first);
  const wire::Ipv6Header right = ip_of(packet);
  if (left.source() != right.source() || left.destination() != right.destination()) return false;
  if (!headers) return true;
  constexpr std::size_t ports_size = 4;
  return headers->protocol == run.headers.protocol &&
         std::ranges::equal(first.subspan(transport, ports_size), packet.subspan(transport, ports_size));
}

/// Whether the packet may be joined to any run.
bool Coalescer::may_join(const TunPacket& packet, const Headers& headers) const noexcept {
  const std::size_t checksum_offset = *wire::transport_checksum_offset(headers.protocol);
  // Merged datagrams have boundaries, which joining would lose. Merged TCP segments have none, because they
  // are a contiguous part of a stream.
  const bool merged_datagrams = packet.offload.gso == wire::Gso::udp;
  if (merged_datagrams || packet.bytes.size() == headers.length) return false;
  if (packet.offload.needs_checksum &&
      (packet.offload.checksum_start != transport || packet.offload.checksum_offset != checksum_offset)) {
    return false;
  }
  if (headers.protocol == wire::next_header::tcp && !joins_tcp_) return false;
  if (headers.protocol == wire::next_header::udp) {
    const auto udp = *wire::fixed<wire::udp::header_size>(wire::Bytes{packet.bytes}, transport);
    if (!joins_udp_ || wire::load16<4>(udp) != packet.bytes.size() - transport) return false;
  }
  if ((headers.flags & lone_flags) != 0) return false;
  // In UDP 0 means "no checksum". In TCP 0 is valid, but segmentation would write 0xffff instead.
  const auto checksum = wire::fixed<2>(wire::Bytes{packet.bytes}, transport + checksum_offset);
  return wire::load16<0>(*checksum) != 0;
}

void Coalescer::open(const Decapsulated& inner, const Headers& headers) noexcept {
  Run& run = runs_[order_[open_++]];
  run.whole = {.packet = inner.packet, .packets = inner.packets, .wire_bytes = inner.wire_bytes};
  run.headers = headers;
  run.payload = inner.packet.bytes.size() - headers.length;
  run.sizes_unknown = inner.packet.offload.gso != wire::Gso::none;
  run.gso_size = run.sizes_unknown ? inner.packet.offload.gso_size : run.payload;
  run.count = 1;
  run.endings = 0;
  run.verified = run.complete = false;
  run.parts.front() = inner.packet.bytes;
  run.ids.front() = inner.id;
}

bool Coalescer::join(Run& run, const Decapsulated& inner, const Headers& headers) const noexcept {
  const wire::Bytes packet = inner.packet.bytes;
  const wire::Bytes first = run.whole.packet.bytes;
  if (headers.length != run.headers.length || !may_join(inner.packet, headers)) return false;
  const wire::Bytes payload = packet.subspan(headers.length);
  if (!run.sizes_unknown && (payload.size() > run.gso_size || inner.packet.offload.gso != wire::Gso::none)) {
    return false;
  }
  if (headers.length + run.payload + payload.size() > max_packet) return false;

  const bool tcp = headers.protocol == wire::next_header::tcp;
  // Segmentation leaves CWR on the first segment only (RFC 3168 §6.1.2).
  const unsigned differ = unsigned{headers.flags} ^ (run.headers.flags & ~unsigned{wire::tcp::flag_cwr});
  if ((differ & ~ending_flags) != 0) return false;
  if (tcp && headers.sequence != run.headers.sequence + static_cast<std::uint32_t>(run.payload)) return false;
  const std::span<const Field> differing = tcp ? std::span<const Field>{tcp_fields} : udp_fields;
  if (!same_but_for(differing, first.first(headers.length), packet.first(headers.length))) return false;

  // Verify both checksums, because segmentation would replace a wrong checksum by a right one.
  run.verified = run.verified || is_unfinished_or_valid(run.whole.packet);
  if (!run.verified || !is_unfinished_or_valid(inner.packet)) return false;

  run.ids[run.count] = inner.id;
  run.parts[run.count++] = payload;
  run.payload += payload.size();
  run.endings = static_cast<std::uint8_t>(headers.flags & ending_flags);
  const bool shorter = !run.sizes_unknown && payload.size() < run.gso_size;
  run.complete = shorter || run.endings != 0 || run.count == run.parts.size();
  run.whole.packets += inner.packets;
  run.whole.wire_bytes += inner.wire_bytes;
  return true;
}

void Coalescer::finish(Run& run) noexcept {
  const Headers& headers = run.headers;
  const std::size_t checksum_offset = *wire::transport_checksum_offset(headers.protocol);
  const bool tcp = headers.protocol == wire::next_header::tcp;
  const auto length = static_cast<std::uint16_t>(headers.length + run.payload - transport);
  const wire::MutableBytes ip = run.whole.packet.bytes;
  const wire::MutableBytes segment = ip.subspan(transport);

  wire::set_payload_length(ip.first<wire::ipv6_header_size>(), length);
  if (tcp) {
    wire::tcp::set_flags(segment.first<wire::tcp::min_header_size>(),
                         static_cast<std::uint8_t>(headers.flags | run.endings));
  } else {
    wire::udp::set_length(segment.first<wire::udp::header_size>(), length);
  }
  const auto pseudo =
      wire::pseudo_header_sum(ip_of(ip).source(), ip_of(ip).destination(), length, headers.protocol);
  wire::store16<0>(segment.subspan(checksum_offset).first<2>(), pseudo.folded());
  run.whole.packet.offload =
      describe_offload({.offset = transport, .header_length = headers.length, .protocol = headers.protocol},
                       static_cast<std::uint16_t>(run.gso_size), ip);
}

}  // namespace sixin4::engine
