#include "sixin4/engine/inbound.hpp"

#include <algorithm>

#include "sixin4/engine/ecn.hpp"
#include "sixin4/engine/mss.hpp"
#include "sixin4/engine/source.hpp"
#include "sixin4/wire/checksum.hpp"
#include "sixin4/wire/ipv4.hpp"
#include "sixin4/wire/ipv6.hpp"
#include "sixin4/wire/transport.hpp"

namespace sixin4::engine {

namespace {

UnfinishedTransport unfinished_at(wire::Bytes packet, std::uint8_t protocol, std::size_t offset) noexcept {
  const std::size_t transport_length = wire::transport_header_length(packet, protocol, offset);
  if (transport_length == 0) return {};
  const wire::Bytes transport = packet.subspan(offset);
  const auto field = transport.subspan(*wire::transport_checksum_offset(protocol)).first<2>();
  const wire::Ipv6Header header{packet.first<wire::ipv6_header_size>()};
  const auto pseudo = wire::pseudo_header_sum(header.source(), header.destination(),
                                              static_cast<std::uint32_t>(transport.size()), protocol);
  if (wire::load16<0>(field) != pseudo.folded()) return {};
  return {.offset = offset, .header_length = offset + transport_length, .protocol = protocol};
}

// Inline, because every inbound packet passes through this function.
inline UnfinishedTransport unfinished_transport(wire::Bytes packet) noexcept {
  const wire::Ipv6Header header{packet.first<wire::ipv6_header_size>()};
  if (wire::extension_kind(header.next_header()) == wire::ExtensionKind::none) {
    return unfinished_at(packet, header.next_header(), wire::ipv6_header_size);
  }
  const auto upper = wire::walk_extension_headers(packet);
  if (!upper || upper->is_fragment()) return {};
  return unfinished_at(packet, upper->protocol, upper->offset);
}

/// Whether a UDP checksum that looks unfinished is valid as it is. False for TCP, because finishing a
/// finished checksum does no harm there. The caller excludes merged packets, whose unfinished checksum may
/// verify by chance.
bool is_finished_datagram(const UnfinishedTransport& unfinished, wire::Bytes packet) noexcept {
  return unfinished.protocol == wire::next_header::udp &&
         wire::has_valid_transport_checksum(packet, unfinished.protocol, unfinished.offset);
}

/// The size of merged TCP segments is unknown. Returns the payload of a 1280-byte packet, which fits every
/// further link, so that no router answers Packet Too Big for segments that were small enough on arrival. 0:
/// not merged.
std::uint16_t tcp_gso_size(const UnfinishedTransport& unfinished, std::size_t length) noexcept {
  if (unfinished.protocol != wire::next_header::tcp) return 0;
  if (length <= wire::ipv6_min_mtu || unfinished.header_length >= wire::ipv6_min_mtu) return 0;
  return static_cast<std::uint16_t>(wire::ipv6_min_mtu - unfinished.header_length);
}

/// Checks both headers and returns the inner packet in `inner`.
Verdict unwrap(const TunnelParameters& parameters, wire::MutableBytes packet,
               wire::MutableBytes& inner) noexcept {
  if (!wire::Ipv4Header::begins(packet)) return Verdict::outer_malformed;
  const wire::Ipv4Header outer{packet.first<wire::ipv4_header_size>()};
  if (outer.protocol() != wire::protocol_ipv6) return Verdict::outer_malformed;
  if (outer.source().address != parameters.remote) return Verdict::outer_source_mismatch;
  if (outer.destination().address != parameters.local) return Verdict::outer_destination_mismatch;
  if (outer.is_fragment() || outer.total_length() < outer.header_length() ||
      outer.total_length() > packet.size()) {
    return Verdict::outer_malformed;
  }

  const wire::MutableBytes carried = packet.first(outer.total_length()).subspan(outer.header_length());
  if (!wire::Ipv6Header::begins_whole(carried)) return Verdict::inner_malformed;
  const wire::Ipv6Header header{carried.first<wire::ipv6_header_size>()};
  const auto source = header.source().address;
  if (is_never_a_source(source)) return Verdict::inner_source_invalid;
  if (parameters.ingress_filter && is_ours(parameters, source)) return Verdict::inner_source_ours;

  const auto traffic_class = decapsulated_traffic_class(header.traffic_class(), outer.tos());
  if (!traffic_class) return Verdict::ecn_invalid;
  if (*traffic_class != header.traffic_class()) {
    wire::set_traffic_class(carried.first<wire::ipv6_header_size>(), *traffic_class);
  }
  inner = carried.first(header.packet_length());  // RFC 4213 §3.6: padding is not part of the packet
  return Verdict::pass;
}

/// Whether the packet is a datagram for the packet socket: only that socket reports whether a datagram with
/// an unfinished checksum is merged. The packet socket does not reassemble IPv4 fragments, so one in 65536
/// datagrams that arrive in fragments is lost: its finished checksum equals the pseudo-header sum. A check
/// that kept it would take one in 65536 merged packets for a single datagram.
bool is_unfinished_datagram(const UnfinishedTransport& unfinished, wire::Bytes outer) noexcept {
  return unfinished && unfinished.protocol == wire::next_header::udp &&
         unfinished.offset == wire::ipv6_header_size &&
         wire::Ipv4Header{outer.first<wire::ipv4_header_size>()}.header_length() == wire::ipv4_header_size;
}

bool has_valid_header_checksum(wire::Bytes outer) noexcept {
  return wire::sum_of(outer.first(wire::ipv4_header_size)).checksum() == 0;
}

/// Whether the packet is to be taken from the socket that delivered it. False also for a packet socket's
/// packet with a wrong IPv4 header checksum, because a packet socket sees packets before the kernel discards
/// those.
bool belongs_to_this_socket(bool unfinished_datagram, wire::Bytes outer,
                            const ReceiveOffload& offload) noexcept {
  if (!offload.only_raw_socket && unfinished_datagram != offload.from_packet_socket) return false;
  return !offload.from_packet_socket || has_valid_header_checksum(outer);
}

/// Whether a refused packet of the packet socket counts here, because the raw socket's filter leaves out the
/// datagrams that the packet socket delivers. A packet that is refused for its outer header reaches a raw
/// socket, or the kernel discards it.
bool counts_here(Verdict verdict, wire::Bytes outer) noexcept {
  if (verdict == Verdict::outer_malformed || verdict == Verdict::outer_source_mismatch ||
      verdict == Verdict::outer_destination_mismatch) {
    return false;
  }
  return has_valid_header_checksum(outer);
}

/// The length of the longest inner packet that a far end sends as one with an unfinished checksum: a longer
/// one would be fragmented, and the checksums of fragmented packets are finished.
std::size_t longest_packet(const TunnelParameters& parameters) noexcept {
  return std::max<std::size_t>(parameters.mtu, std::size_t{parameters.link_mtu} - wire::ipv4_header_size);
}

/// Describes an unfinished checksum to the tun device, and counts the packets that receive offload has
/// merged.
void describe(const TunnelParameters& parameters, const UnfinishedTransport& unfinished,
              const ReceiveOffload& offload, Decapsulated& result) noexcept {
  const wire::Bytes packet = result.packet.bytes;
  const std::uint16_t gso_size =
      offload.from_packet_socket ? offload.gso_size : tcp_gso_size(unfinished, packet.size());
  result.packet.offload = describe_offload(unfinished, gso_size, packet);
  if (gso_size == 0) return;
  // The size of TCP segments is estimated: senders fill the tunnel MTU.
  const std::size_t segment =
      offload.from_packet_socket ? gso_size : parameters.mtu - unfinished.header_length;
  const std::size_t payload = packet.size() - unfinished.header_length;
  result.packets = static_cast<std::uint32_t>((payload + segment - 1) / segment);
  result.wire_bytes = static_cast<std::uint32_t>(payload + result.packets * unfinished.header_length);
}

}  // namespace

Decapsulated decapsulate(const TunnelParameters& parameters, wire::MutableBytes packet,
                         const ReceiveOffload& offload) noexcept {
  Decapsulated result;
  result.verdict = unwrap(parameters, packet, result.packet.bytes);
  if (result.verdict != Verdict::pass) {
    result.taken_elsewhere = offload.from_packet_socket && !counts_here(result.verdict, packet);
    return result;
  }
  const wire::Bytes inner = result.packet.bytes;
  result.wire_bytes = static_cast<std::uint32_t>(inner.size());
  const UnfinishedTransport unfinished = unfinished_transport(inner);
  const bool unfinished_datagram = is_unfinished_datagram(unfinished, packet);
  if (!belongs_to_this_socket(unfinished_datagram, packet, offload)) {
    result.taken_elsewhere = true;
    return result;
  }
  if (offload.only_raw_socket && unfinished_datagram && inner.size() > longest_packet(parameters)) {
    result.verdict = Verdict::inner_joined;
    return result;
  }
  const bool merged = offload.gso_size != 0;
  if (unfinished && (merged || !is_finished_datagram(unfinished, inner))) {
    describe(parameters, unfinished, offload, result);
  }
  if (parameters.mss_clamp) clamp_mss(result.packet, parameters.mtu);
  return result;
}

UnfinishedTransport find_unfinished_transport(wire::Bytes packet) noexcept {
  return unfinished_transport(packet);
}

wire::VnetHeader describe_offload(const UnfinishedTransport& unfinished, std::uint16_t gso_size,
                                  wire::Bytes packet) noexcept {
  wire::VnetHeader offload{
      .needs_checksum = true,
      .header_length = static_cast<std::uint16_t>(unfinished.header_length),
      .checksum_start = static_cast<std::uint16_t>(unfinished.offset),
      .checksum_offset = static_cast<std::uint16_t>(*wire::transport_checksum_offset(unfinished.protocol))};
  if (gso_size == 0) return offload;
  offload.gso_size = gso_size;
  offload.gso = unfinished.protocol == wire::next_header::udp ? wire::Gso::udp : wire::Gso::tcp6;
  if (offload.gso == wire::Gso::udp) return offload;
  const auto tcp = wire::fixed<wire::tcp::min_header_size>(packet, unfinished.offset);
  offload.gso_ecn = tcp && (wire::tcp::flags(*tcp) & wire::tcp::flag_cwr) != 0;
  return offload;
}

}  // namespace sixin4::engine
