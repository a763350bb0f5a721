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

/// The headers of a packet whose checksum is unfinished.
struct Unfinished {
  std::size_t transport = 0;      ///< offset of the transport header
  std::size_t header_length = 0;  ///< of all headers
  std::uint8_t protocol = 0;
};

/// Nothing where the packet is not TCP or UDP, or its checksum field holds more than the sum of the
/// pseudo-header. That sum is what receive offload leaves in a merged packet, and a sender on the same
/// machine in every packet.
std::optional<Unfinished> unfinished_checksum(wire::Bytes packet) noexcept {
  const auto upper = wire::upper_layer_of(packet);
  if (!upper || upper->is_fragment()) return std::nullopt;
  const auto transport_length = wire::transport_header_length(packet, upper->protocol, upper->offset);
  if (!transport_length) return std::nullopt;
  const wire::Bytes transport = packet.subspan(upper->offset);
  const auto field = wire::fixed<2>(transport, *wire::transport_checksum_offset(upper->protocol));
  const wire::Ipv6Header header{packet.first<wire::ipv6_header_size>()};
  const auto pseudo = wire::pseudo_header_sum(header.source(), header.destination(),
                                              static_cast<std::uint32_t>(transport.size()), upper->protocol);
  if (!field || wire::load16<0>(*field) != pseudo.folded()) return std::nullopt;
  // One in 65536 finished checksums is that sum by chance. It verifies; to a datagram that makes a
  // difference.
  const bool finished =
      upper->protocol == wire::next_header::udp && (pseudo + wire::sum_of(transport)).checksum() == 0;
  if (finished) return std::nullopt;
  return Unfinished{.transport = upper->offset,
                    .header_length = upper->offset + *transport_length,
                    .protocol = upper->protocol};
}

/// Tells the tun device what is unfinished, and how a super-packet with `gso_size` bytes of payload a segment
/// is to be cut where it has to be.
void describe(const Unfinished& unfinished, std::uint16_t gso_size, TunPacket& packet) noexcept {
  wire::VnetHeader& offload = packet.offload;
  offload.needs_checksum = true;
  offload.header_length = static_cast<std::uint16_t>(unfinished.header_length);
  offload.checksum_start = static_cast<std::uint16_t>(unfinished.transport);
  offload.checksum_offset = static_cast<std::uint16_t>(*wire::transport_checksum_offset(unfinished.protocol));
  if (gso_size == 0) return;
  offload.gso_size = gso_size;
  offload.gso = unfinished.protocol == wire::next_header::udp ? wire::Gso::udp : wire::Gso::tcp6;
  if (offload.gso == wire::Gso::udp) return;
  const auto tcp = wire::fixed<wire::tcp::min_header_size>(packet.bytes, unfinished.transport);
  offload.gso_ecn = tcp && (wire::tcp::flags(*tcp) & wire::tcp::flag_cwr) != 0;
}

/// Nothing about merged TCP segments says how large they were. The payload of a 1280-byte packet is right for
/// every next link: whatever the tun device or a link behind it has to cut again fits, and no router on the
/// way has to answer Packet Too Big for segments that were small enough when they came.
std::uint16_t tcp_gso_size(const Unfinished& unfinished, std::size_t length) noexcept {
  if (length <= wire::ipv6_min_mtu || unfinished.header_length >= wire::ipv6_min_mtu) return 0;
  return static_cast<std::uint16_t>(wire::ipv6_min_mtu - unfinished.header_length);
}

/// How many packets the merged one was on the wire, and their bytes.
void count_segments(const Unfinished& unfinished, std::size_t segment, Decapsulated& result) noexcept {
  const std::size_t payload = result.packet.bytes.size() - unfinished.header_length;
  result.packets = static_cast<std::uint32_t>((payload + segment - 1) / segment);
  result.wire_bytes = static_cast<std::uint32_t>(payload + result.packets * unfinished.header_length);
}

/// Checks both headers and takes the inner packet out.
Decapsulated unwrap(const TunnelParameters& parameters, wire::MutableBytes packet) noexcept {
  const auto outer = wire::Ipv4Header::at(packet);
  if (!outer || outer->protocol() != wire::protocol_ipv6) return {.verdict = Verdict::outer_malformed};
  if (outer->source().address != parameters.remote) return {.verdict = Verdict::outer_source_mismatch};
  if (outer->destination().address != parameters.local) {
    return {.verdict = Verdict::outer_destination_mismatch};
  }
  if (outer->is_fragment() || outer->total_length() < outer->header_length() ||
      outer->total_length() > packet.size()) {
    return {.verdict = Verdict::outer_malformed};
  }

  wire::MutableBytes inner = packet.first(outer->total_length()).subspan(outer->header_length());
  const auto header = wire::Ipv6Header::at(inner);
  if (!header) return {.verdict = Verdict::inner_malformed};
  inner = inner.first(header->packet_length());  // RFC 4213 §3.6: padding is not part of the packet

  const auto source = header->source().address;
  if (is_never_a_source(source)) return {.verdict = Verdict::inner_source_invalid};
  if (parameters.ingress_filter && is_ours(parameters, source))
    return {.verdict = Verdict::inner_source_ours};

  const auto traffic_class = decapsulated_traffic_class(header->traffic_class(), outer->tos());
  if (!traffic_class) return {.verdict = Verdict::ecn_invalid};
  wire::set_traffic_class(inner.first<wire::ipv6_header_size>(), *traffic_class);
  return {.packet = {.offload = {}, .bytes = inner}, .wire_bytes = static_cast<std::uint32_t>(inner.size())};
}

/// What the packet socket's filter lets through, and the raw socket leaves to it.
bool is_unfinished_datagram(const std::optional<Unfinished>& unfinished, wire::Bytes outer) noexcept {
  return unfinished && unfinished->protocol == wire::next_header::udp &&
         unfinished->transport == wire::ipv6_header_size &&
         wire::Ipv4Header{outer.first<wire::ipv4_header_size>()}.header_length() == wire::ipv4_header_size;
}

/// A packet socket sees packets before the kernel's IPv4 does.
bool has_right_checksum(wire::Bytes outer) noexcept {
  return wire::sum_of(outer.first(wire::ipv4_header_size)).checksum() == 0;
}

}  // namespace

Decapsulated decapsulate(const TunnelParameters& parameters, wire::MutableBytes packet,
                         const ReceiveOffload& offload) noexcept {
  Decapsulated result = unwrap(parameters, packet);
  if (result.verdict != Verdict::pass) {
    result.taken_elsewhere = offload.known;
    return result;
  }
  const auto unfinished = unfinished_checksum(result.packet.bytes);
  const bool right_socket = is_unfinished_datagram(unfinished, packet) == offload.known;
  if (!right_socket || (offload.known && !has_right_checksum(packet))) {
    result.taken_elsewhere = true;
    return result;
  }
  if (unfinished && offload.known) {
    describe(*unfinished, offload.gso_size, result.packet);
    if (offload.gso_size != 0) count_segments(*unfinished, offload.gso_size, result);
  } else if (unfinished) {
    const bool tcp = unfinished->protocol == wire::next_header::tcp;
    const std::uint16_t gso_size =
        tcp ? tcp_gso_size(*unfinished, result.packet.bytes.size()) : std::uint16_t{0};
    describe(*unfinished, gso_size, result.packet);
    // Senders fill the tunnel MTU.
    if (gso_size != 0) count_segments(*unfinished, parameters.mtu - unfinished->header_length, result);
  }
  if (parameters.mss_clamp) clamp_mss(result.packet, parameters.mtu);
  return result;
}

}  // namespace sixin4::engine
