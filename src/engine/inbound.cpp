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

/// The headers of a packet whose checksum looks unfinished; none where there is no such packet.
struct Unfinished {
  std::size_t transport = 0;      ///< offset of the transport header
  std::size_t header_length = 0;  ///< of all headers
  std::uint8_t protocol = 0;

  explicit operator bool() const noexcept { return header_length != 0; }
};

Unfinished unfinished_transport(wire::Bytes packet, std::uint8_t protocol, std::size_t offset) noexcept {
  const std::size_t transport_length = wire::transport_header_length(packet, protocol, offset);
  if (transport_length == 0) return {};
  const wire::Bytes transport = packet.subspan(offset);
  const auto field = transport.subspan(*wire::transport_checksum_offset(protocol)).first<2>();
  const wire::Ipv6Header header{packet.first<wire::ipv6_header_size>()};
  const auto pseudo = wire::pseudo_header_sum(header.source(), header.destination(),
                                              static_cast<std::uint32_t>(transport.size()), protocol);
  if (wire::load16<0>(field) != pseudo.folded()) return {};
  return {.transport = offset, .header_length = offset + transport_length, .protocol = protocol};
}

/// Nothing where the packet is not TCP or UDP, or its checksum field holds more than the sum of the
/// pseudo-header. That sum is what receive offload leaves in a merged packet, and a sender on the same
/// machine in every packet. One in 65536 finished checksums is that sum by chance.
Unfinished unfinished_checksum(wire::Bytes packet) noexcept {
  const wire::Ipv6Header header{packet.first<wire::ipv6_header_size>()};
  if (wire::extension_kind(header.next_header()) == wire::ExtensionKind::none) {
    return unfinished_transport(packet, header.next_header(), wire::ipv6_header_size);
  }
  const auto upper = wire::walk_extension_headers(packet);
  if (!upper || upper->is_fragment()) return {};
  return unfinished_transport(packet, upper->protocol, upper->offset);
}

/// Whether what looks unfinished is a finished checksum all the same. What is merged may look like both: of
/// it nobody must ask. TCP does not care.
bool is_finished(const Unfinished& unfinished, wire::Bytes packet) noexcept {
  if (unfinished.protocol != wire::next_header::udp) return false;
  const wire::Ipv6Header header{packet.first<wire::ipv6_header_size>()};
  const wire::Bytes transport = packet.subspan(unfinished.transport);
  const auto pseudo =
      wire::pseudo_header_sum(header.source(), header.destination(),
                              static_cast<std::uint32_t>(transport.size()), unfinished.protocol);
  return (pseudo + wire::sum_of(transport)).checksum() == 0;
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

/// What the packet socket's filter lets through, and the raw socket leaves to it: only there it is known what
/// is merged. One in 65536 datagrams that come in IPv4 fragments, which the packet socket does not see whole,
/// is lost for it: better than one in 65536 merged ones taken for a single datagram.
bool is_unfinished_datagram(const Unfinished& unfinished, wire::Bytes outer) noexcept {
  return unfinished && unfinished.protocol == wire::next_header::udp &&
         unfinished.transport == wire::ipv6_header_size &&
         wire::Ipv4Header{outer.first<wire::ipv4_header_size>()}.header_length() == wire::ipv4_header_size;
}

/// A packet socket sees packets before the kernel's IPv4 does.
bool has_right_checksum(wire::Bytes outer) noexcept {
  return wire::sum_of(outer.first(wire::ipv4_header_size)).checksum() == 0;
}

/// A far end that left the checksum of a longer datagram unfinished cannot have sent it: fragments have
/// theirs finished.
std::size_t longest_packet(const TunnelParameters& parameters) noexcept {
  return std::max<std::size_t>(parameters.mtu, std::size_t{parameters.link_mtu} - wire::ipv4_header_size);
}

}  // namespace

Decapsulated decapsulate(const TunnelParameters& parameters, wire::MutableBytes packet,
                         const ReceiveOffload& offload) noexcept {
  Decapsulated result;
  result.verdict = unwrap(parameters, packet, result.packet.bytes);
  if (result.verdict != Verdict::pass) {
    result.taken_elsewhere = offload.known;
    return result;
  }
  result.wire_bytes = static_cast<std::uint32_t>(result.packet.bytes.size());
  const Unfinished unfinished = unfinished_checksum(result.packet.bytes);
  const bool unfinished_datagram = is_unfinished_datagram(unfinished, packet);
  const bool right_socket = offload.alone || unfinished_datagram == offload.known;
  if (!right_socket || (offload.known && !has_right_checksum(packet))) {
    result.taken_elsewhere = true;
    return result;
  }
  const bool merged = offload.gso_size != 0;
  if (offload.alone && unfinished_datagram && result.packet.bytes.size() > longest_packet(parameters)) {
    result.verdict = Verdict::inner_joined;
    return result;
  }
  if (!unfinished || (!merged && is_finished(unfinished, result.packet.bytes))) {
    // It is as it left its sender.
  } else if (offload.known) {
    describe(unfinished, offload.gso_size, result.packet);
    if (merged) count_segments(unfinished, offload.gso_size, result);
  } else {
    const bool tcp = unfinished.protocol == wire::next_header::tcp;
    const std::uint16_t gso_size =
        tcp ? tcp_gso_size(unfinished, result.packet.bytes.size()) : std::uint16_t{0};
    describe(unfinished, gso_size, result.packet);
    // Senders fill the tunnel MTU.
    if (gso_size != 0) count_segments(unfinished, parameters.mtu - unfinished.header_length, result);
  }
  if (parameters.mss_clamp) clamp_mss(result.packet, parameters.mtu);
  return result;
}

}  // namespace sixin4::engine
