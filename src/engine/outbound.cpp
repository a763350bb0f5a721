#include "sixin4/engine/outbound.hpp"

#include <algorithm>

#include "sixin4/engine/ecn.hpp"
#include "sixin4/engine/mss.hpp"
#include "sixin4/engine/source.hpp"
#include "sixin4/engine/source_translation.hpp"
#include "sixin4/wire/checksum.hpp"
#include "sixin4/wire/ipv4.hpp"
#include "sixin4/wire/ipv6.hpp"

namespace sixin4::engine {

namespace {

/// Whether `bytes` begin with an IPv4 packet that this tunnel has sent.
bool is_our_outer_packet(const TunnelParameters& parameters, wire::Bytes bytes) noexcept {
  const auto outer = wire::Ipv4Header::at(bytes);
  return outer && outer->protocol() == wire::protocol_ipv6 && outer->source().address == parameters.local &&
         outer->destination().address == parameters.remote;
}

/// Whether an IPv6 packet carries an outer packet of this tunnel. This happens if the IPv4 route leads into
/// another tunnel (RFC 2473) whose packets go through this one.
bool carries_our_outer_packet(const TunnelParameters& parameters, wire::Ipv6Header header,
                              wire::Bytes packet) noexcept {
  const std::uint8_t next = header.next_header();
  if (next != wire::next_header::ipv4 && wire::extension_kind(next) == wire::ExtensionKind::none)
    return false;
  const auto upper = wire::upper_layer_of(packet);
  return upper && upper->protocol == wire::next_header::ipv4 && !upper->is_fragment() &&
         is_our_outer_packet(parameters, packet.subspan(upper->offset));
}

Verdict refusal_without_header(const TunnelParameters& parameters, wire::Bytes bytes) noexcept {
  const bool version_6 = !bytes.empty() && bytes.front() >> 4U == 6;
  if (version_6) return Verdict::malformed;
  const bool loop = parameters.loops || is_our_outer_packet(parameters, bytes);
  return loop ? Verdict::loop : Verdict::not_ipv6;
}

/// RFC 6040 §4.1: `tos` sets the DSCP only, never the ECN bits.
std::uint8_t outer_tos(const TunnelParameters& parameters, std::uint8_t inner) noexcept {
  const unsigned dscp = parameters.tos.value_or(inner) & ~unsigned{ecn_mask};
  return static_cast<std::uint8_t>(dscp | (parameters.ecn ? inner & unsigned{ecn_mask} : unsigned{not_ect}));
}

/// The fields of an outer header except for length and fragmentation.
inline wire::Ipv4Fields outer_fields(const TunnelParameters& parameters, wire::Ipv6Header inner,
                                     std::uint16_t identification) noexcept {
  return {.tos = outer_tos(parameters, inner.traffic_class()),
          .identification = identification,
          .dont_fragment = parameters.dont_fragment,
          .ttl = parameters.ttl.value_or(inner.hop_limit()),
          .source = {parameters.local},
          .destination = {parameters.remote}};
}

/// Judges the size, calls `rewrite` to set another source if `rewrites`, and clamps the MSS.
template <typename Rewrite>
Verdict make_ready(const TunnelParameters& parameters, TunPacket& packet, std::optional<Segments>& segments,
                   bool rewrites, Rewrite&& rewrite) noexcept {
  std::size_t largest = packet.bytes.size();
  if (packet.offload.gso != wire::Gso::none) {
    segments = Segments::of(packet);
    if (!segments) return Verdict::malformed;
    largest = segments->largest_packet();
  }
  if (largest > parameters.mtu) return Verdict::too_big;
  if (parameters.no_path) return Verdict::wire_error;
  if (!rewrites && !parameters.mss_clamp) return Verdict::pass;
  // After the checks: an ICMPv6 error about a refusal must quote the packet as its sender sent it.
  if (rewrites) rewrite(packet);
  if (parameters.mss_clamp) clamp_mss(packet, parameters.mtu);
  if (segments) segments = Segments::of(packet);  // the headers may have changed
  return Verdict::pass;
}

}  // namespace

Verdict judge_outbound(const TunnelParameters& parameters, TunPacket& packet,
                       std::optional<Segments>& segments, Time now) noexcept {
  if (!wire::Ipv6Header::begins_whole(packet.bytes)) return refusal_without_header(parameters, packet.bytes);
  const wire::Ipv6Header header{packet.bytes.first<wire::ipv6_header_size>()};
  if (parameters.loops || carries_our_outer_packet(parameters, header, packet.bytes)) return Verdict::loop;
  packet.bytes = packet.bytes.first(header.packet_length());
  if (!knows_flows(parameters)) {
    if (parameters.egress_filter && !may_leave(parameters, packet.bytes)) return Verdict::source_not_ours;
    return make_ready(parameters, packet, segments, false, [](TunPacket&) noexcept {});
  }
  const FlowPacket parsed = flow_packet_of(packet.bytes, Direction::out);
  const SourceChoice source = choose_source(parameters, packet.bytes, parsed, now);
  if (source.verdict != Verdict::pass) return source.verdict;
  if (parameters.egress_filter && !may_leave(parameters, resulting_source(source, parsed), packet.bytes)) {
    return Verdict::source_not_ours;
  }
  return make_ready(parameters, packet, segments, source.rewrites,
                    [&](TunPacket& leaving) noexcept { apply(source, parsed, leaving); });
}

std::optional<wire::icmpv6::Error> answer_to(Verdict refusal, std::uint16_t mtu) noexcept {
  switch (refusal) {
    case Verdict::too_big:
      return wire::icmpv6::packet_too_big(mtu);
    case Verdict::source_not_ours:
      return wire::icmpv6::destination_unreachable(wire::icmpv6::code_source_failed_policy);
    case Verdict::source_rejected:
      return wire::icmpv6::destination_unreachable(wire::icmpv6::code_prohibited);
    case Verdict::flow_table_full:
    case Verdict::pool_exhausted:
    case Verdict::wire_error:  // as the kernel's tunnels do (dst_link_failure)
      return wire::icmpv6::destination_unreachable(wire::icmpv6::code_address_unreachable);
    default:
      return std::nullopt;
  }
}

// The identification ranges of all workers together are 1 to 65535.
Encapsulator::Encapsulator(Share share) noexcept
    : first_identification_(static_cast<std::uint16_t>(0xffff * share.index / share.count + 1)),
      last_identification_(static_cast<std::uint16_t>(0xffff * (share.index + 1) / share.count)),
      identification_(first_identification_) {}

wire::MutableBytes Encapsulator::add_whole(const TunnelParameters& parameters, wire::Ipv6Header inner,
                                           std::size_t header_length, wire::Bytes payload, WireBatch& batch,
                                           UnfinishedChecksum checksum) noexcept {
  const std::size_t length = header_length + payload.size();
  if (checksum.start != 0)
    checksum.start = static_cast<std::uint16_t>(checksum.start + wire::ipv4_header_size);
  const wire::MutableBytes head = batch.add(wire::ipv4_header_size + header_length, payload,
                                            static_cast<std::uint32_t>(length), checksum);
  wire::Ipv4Fields outer = outer_fields(parameters, inner, next_identification(parameters));
  outer.total_length = static_cast<std::uint16_t>(wire::ipv4_header_size + length);
  wire::write_ipv4_header(head.first<wire::ipv4_header_size>(), outer);
  return head.subspan(wire::ipv4_header_size);
}

Encapsulator::Fragments Encapsulator::begin(const TunnelParameters& parameters, wire::Ipv6Header inner,
                                            wire::Bytes headers, wire::Bytes payload) noexcept {
  const std::size_t room = std::size_t{parameters.link_mtu} - wire::ipv4_header_size;
  return {.outer = outer_fields(parameters, inner, next_identification(parameters)),
          .headers = headers,
          .payload = payload,
          .size = room & ~std::size_t{7}};  // RFC 791: offsets are in units of 8 bytes
}

bool Encapsulator::add_next(Fragments& fragments, WireBatch& batch) noexcept {
  const std::size_t inner = fragments.headers.size() + fragments.payload.size();
  const std::size_t start = fragments.done;
  const std::size_t length = std::min(fragments.size, inner - start);
  const bool last = start + length == inner;

  const wire::Bytes headers = fragments.headers.subspan(std::min(start, fragments.headers.size()));
  const std::size_t from_headers = std::min(length, headers.size());
  const std::size_t payload_start = start + from_headers - fragments.headers.size();
  const wire::Bytes body = from_headers == length
                               ? wire::Bytes{}
                               : fragments.payload.subspan(payload_start, length - from_headers);

  const wire::MutableBytes head =
      batch.add(wire::ipv4_header_size + from_headers, body, last ? static_cast<std::uint32_t>(inner) : 0);
  fragments.outer.total_length = static_cast<std::uint16_t>(wire::ipv4_header_size + length);
  fragments.outer.more_fragments = !last;
  fragments.outer.fragment_offset = static_cast<std::uint16_t>(start);
  wire::write_ipv4_header(head.first<wire::ipv4_header_size>(), fragments.outer);
  wire::copy(headers.first(from_headers), head.subspan(wire::ipv4_header_size));
  fragments.done += length;
  return !last;
}

// A packet with DF set needs no identification (RFC 6864 §4.1). A constant identification lets the receive
// offload of the far end join segments.
std::uint16_t Encapsulator::next_identification(const TunnelParameters& parameters) noexcept {
  if (parameters.dont_fragment) return 0;
  // Each worker has its own range, because receive offload joins only segments with consecutive
  // identifications. 0 is not used, because Linux replaces it in a raw packet with DF clear.
  const std::uint16_t identification = identification_;
  identification_ = identification == last_identification_ ? first_identification_
                                                           : static_cast<std::uint16_t>(identification + 1);
  return identification;
}

}  // namespace sixin4::engine
