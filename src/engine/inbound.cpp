#include "sixin4/engine/inbound.hpp"

#include <algorithm>

#include "sixin4/engine/ecn.hpp"
#include "sixin4/wire/checksum.hpp"
#include "sixin4/wire/ipv4.hpp"
#include "sixin4/wire/ipv6.hpp"
#include "sixin4/wire/transport.hpp"

namespace sixin4::engine {

namespace {

/// Sources that no packet from a tunnel may have: RFC 4213 §3.6, and the IPv4-compatible and
/// IPv4-mapped prefixes of RFC 4291 §2.5.5. Legitimate 6to4 sources are not among them.
bool is_never_a_source(const wire::Ipv6Address& source) noexcept {
  if (source.is_multicast()) return true;
  if (source.is_unspecified()) return false;  // duplicate address detection, router solicitation
  // ::/96 (with ::1 in it) and ::ffff:0:0/96 differ in octets 10 and 11 only.
  const auto& octets = source.octets;
  if (!std::all_of(octets.begin(), octets.begin() + 10, [](std::uint8_t octet) { return octet == 0; }))
    return false;
  return (octets[10] == 0 && octets[11] == 0) || (octets[10] == 0xff && octets[11] == 0xff);
}

bool is_ours(const TunnelParameters& parameters, const wire::Ipv6Address& address) noexcept {
  return std::ranges::any_of(parameters.ours, [&](const auto& prefix) { return prefix.contains(address); });
}

struct Unfinished {
  std::size_t transport = 0;      ///< offset of the transport header
  std::size_t header_length = 0;  ///< of all headers
  std::uint8_t protocol = 0;
  wire::InternetSum pseudo_header;
};

/// The TCP or UDP headers of a packet whose checksum field holds the pseudo-header sum only. That is what
/// receive offload leaves in a merged packet, and a sender on the same machine in every packet.
std::optional<Unfinished> unfinished_checksum(const wire::Ipv6Header& header, wire::Bytes packet) noexcept {
  const auto upper = wire::upper_layer_of(packet);
  if (!upper || upper->is_fragment()) return std::nullopt;
  const auto transport_length = wire::transport_header_length(packet, upper->protocol, upper->offset);
  if (!transport_length) return std::nullopt;
  const auto field =
      wire::fixed<2>(packet, upper->offset + *wire::transport_checksum_offset(upper->protocol));
  const auto pseudo =
      wire::pseudo_header_sum(header.source(), header.destination(),
                              static_cast<std::uint32_t>(packet.size() - upper->offset), upper->protocol);
  if (!field || wire::load16<0>(*field) != pseudo.folded()) return std::nullopt;
  return Unfinished{.transport = upper->offset,
                    .header_length = upper->offset + *transport_length,
                    .protocol = upper->protocol,
                    .pseudo_header = pseudo};
}

/// Describes what is unfinished to the tun device. Nothing about a merged packet says how large its
/// segments were. The payload size of a 1280-byte packet is right for every next link: whatever the tun
/// device or a link behind it has to cut again fits, and no router on the way has to answer Packet Too Big
/// for segments that were small enough when they came.
void describe_unfinished(const TunnelParameters& parameters, const Unfinished& unfinished,
                         Decapsulated& result) noexcept {
  const std::size_t length = result.packet.bytes.size();
  wire::VnetHeader& offload = result.packet.offload;
  offload.needs_checksum = true;
  offload.header_length = static_cast<std::uint16_t>(unfinished.header_length);
  offload.checksum_start = static_cast<std::uint16_t>(unfinished.transport);
  offload.checksum_offset = static_cast<std::uint16_t>(*wire::transport_checksum_offset(unfinished.protocol));

  if (unfinished.protocol == wire::next_header::udp) {
    const std::size_t largest_unmerged = std::max<std::size_t>(parameters.link_mtu, parameters.mtu);
    if (length <= largest_unmerged) return;
    // One in 65536 complete checksums is the pseudo-header sum by chance; that one verifies.
    const auto sum =
        unfinished.pseudo_header + wire::sum_of(result.packet.bytes.subspan(unfinished.transport));
    if (sum.checksum() == 0) {
      offload = {};
    } else {
      result.verdict = Verdict::merged_datagrams;
    }
    return;
  }
  if (length <= wire::ipv6_min_mtu || unfinished.header_length >= wire::ipv6_min_mtu) return;
  const auto tcp = wire::fixed<wire::tcp::min_header_size>(result.packet.bytes, unfinished.transport);
  offload.gso = wire::Gso::tcp6;
  offload.gso_ecn = tcp && (wire::tcp::flags(*tcp) & wire::tcp::flag_cwr) != 0;
  offload.gso_size = static_cast<std::uint16_t>(wire::ipv6_min_mtu - unfinished.header_length);

  // For the counters: senders fill the tunnel MTU.
  const std::size_t payload = length - unfinished.header_length;
  const std::size_t segment = std::size_t{parameters.mtu} - unfinished.header_length;
  result.packets = static_cast<std::uint32_t>((payload + segment - 1) / segment);
  result.wire_bytes = static_cast<std::uint32_t>(payload + result.packets * unfinished.header_length);
}

}  // namespace

Decapsulated decapsulate(const TunnelParameters& parameters, wire::MutableBytes datagram) noexcept {
  const auto outer = wire::Ipv4Header::at(datagram);
  if (!outer || outer->protocol() != wire::protocol_ipv6) return {.verdict = Verdict::outer_malformed};
  if (outer->source().address != parameters.remote) return {.verdict = Verdict::outer_source_mismatch};
  if (outer->destination().address != parameters.local)
    return {.verdict = Verdict::outer_destination_mismatch};

  if (outer->is_fragment() || outer->total_length() < outer->header_length() ||
      outer->total_length() > datagram.size()) {
    return {.verdict = Verdict::outer_malformed};
  }

  wire::MutableBytes inner = datagram.first(outer->total_length()).subspan(outer->header_length());
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

  Decapsulated result{.packet = {.offload = {}, .bytes = inner},
                      .wire_bytes = static_cast<std::uint32_t>(inner.size())};
  if (const auto unfinished = unfinished_checksum(*header, inner)) {
    describe_unfinished(parameters, *unfinished, result);
  }
  return result;
}

}  // namespace sixin4::engine
