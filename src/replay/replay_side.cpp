#include "replay_side.hpp"

#include <algorithm>

#include "sixin4/engine/inbound.hpp"
#include "sixin4/engine/source.hpp"
#include "sixin4/wire/checksum.hpp"
#include "sixin4/wire/icmp.hpp"
#include "sixin4/wire/icmpv6.hpp"
#include "sixin4/wire/ipv4.hpp"
#include "sixin4/wire/ipv6.hpp"
#include "sixin4/wire/transport.hpp"

namespace sixin4::replay {

namespace {

/// The packet that an ICMP error quotes, without the extensions after it (RFC 4884 §5).
wire::Bytes quoted_in(wire::Bytes message) noexcept {
  const auto header = wire::fixed<wire::icmp::header_size>(message);
  if (!header) return {};
  const wire::Bytes quoted = message.subspan(wire::icmp::header_size);
  constexpr std::size_t min_with_extensions = 128;  // RFC 4884 §4
  const std::size_t quoted_length = std::size_t{4} * wire::load8<5>(*header);
  return quoted_length < min_with_extensions ? quoted : quoted.first(std::min(quoted.size(), quoted_length));
}

wire::Bytes payload_of(wire::Bytes packet, const wire::Ipv4Header& header) noexcept {
  const std::size_t length = std::max<std::size_t>(header.total_length(), header.header_length());
  return packet.first(std::min(packet.size(), length)).subspan(header.header_length());
}

/// The kernel would pass this ICMP error to a raw socket of protocol 41 (raw(7)).
bool is_error_about_tunnel(wire::Bytes packet, const wire::Ipv4Header& header) noexcept {
  const wire::Bytes message = payload_of(packet, header);
  if (header.is_fragment() || message.empty()) return false;
  // The checksum of a message that was not captured whole cannot be checked.
  const bool captured_whole = packet.size() >= header.total_length();
  if (captured_whole && wire::sum_of(message).checksum() != 0) return false;
  const std::uint8_t type = message.front();
  const bool is_error = type == wire::icmp::type_destination_unreachable ||
                        type == wire::icmp::type_time_exceeded || type == wire::icmp::type_parameter_problem;
  if (!is_error) return false;
  const auto quoted = wire::Ipv4Header::at(quoted_in(message));
  if (!quoted || quoted->protocol() != wire::protocol_ipv6) return false;
  // icmp_socket_deliver() in net/ipv4/icmp.c of the kernel
  constexpr std::size_t min_quoted_payload = 8;
  return !captured_whole ||
         message.size() >= wire::icmp::header_size + quoted->header_length() + min_quoted_payload;
}

ReplaySide side_of_ipv4(wire::Bytes packet, const wire::Ipv4Header& header,
                        const engine::TunnelParameters& parameters) noexcept {
  const bool from_local = header.source().address == parameters.local;
  const bool to_local = header.destination().address == parameters.local;
  const bool from_remote = header.source().address == parameters.remote;
  const bool to_remote = header.destination().address == parameters.remote;
  const bool is_tunnelled = header.protocol() == wire::protocol_ipv6;
  if (is_tunnelled && from_local && to_remote) return ReplaySide::sent;
  // The kernel drops an incoming packet with a wrong checksum. The checksum of an outgoing packet, handled
  // above, may be computed after the capture.
  if (wire::sum_of(packet.first(header.header_length())).checksum() != 0) return ReplaySide::other;
  if (is_tunnelled) {
    // A packet from the far end to another address of this host reaches the engine too, which refuses it.
    return to_local || from_remote ? ReplaySide::inward : ReplaySide::other;
  }
  const bool is_error =
      header.protocol() == wire::icmp::protocol && to_local && is_error_about_tunnel(packet, header);
  return is_error ? ReplaySide::error : ReplaySide::other;
}

/// An ICMPv6 error that this end wrote to the host about an outward packet. The host itself may send errors
/// from the same address. Those are outward, and quote packets to addresses of this end.
bool is_own_error(wire::Bytes packet, const wire::Ipv6Header& header,
                  const engine::TunnelParameters& parameters) noexcept {
  if (header.source().address != parameters.error_source) return false;
  if (header.next_header() != wire::next_header::icmpv6) return false;
  const auto message = wire::fixed<wire::icmpv6::header_size>(packet, wire::ipv6_header_size);
  if (!message || !wire::icmpv6::is_error(wire::load8<0>(*message))) return false;
  const auto quoted = wire::Ipv6Header::at_quoted(packet.subspan(wire::ipv6_header_size + message->size()));
  return quoted && !engine::is_ours(parameters, quoted->destination().address);
}

/// No router forwards this packet (RFC 4291 §2.5.2, §2.5.3, §2.5.6 and §2.7).
bool stays_on_its_link(const wire::Ipv6Header& header) noexcept {
  const auto source = header.source().address;
  const auto is_local = [](const wire::Ipv6Address& address) {
    constexpr unsigned link_local_scope = 2;
    const bool is_loopback = address.high() == 0 && address.low() == 1;
    const bool is_local_group = address.is_multicast() && (address.octets[1] & 0x0fU) <= link_local_scope;
    return is_loopback || is_local_group || address.is_link_local();
  };
  return source.is_unspecified() || source.is_multicast() || is_local(source) ||
         is_local(header.destination().address);
}

ReplaySide side_of_ipv6(wire::Bytes packet, const wire::Ipv6Header& header, Framing framing,
                        const engine::TunnelParameters& parameters) noexcept {
  const auto source = header.source().address;
  if (is_own_error(packet, header, parameters)) return ReplaySide::received;
  const auto destination = header.destination().address;
  // The far end sends link-local multicast, for example router advertisements.
  if (source == wire::link_local_of(parameters.remote) && destination.is_multicast()) {
    return ReplaySide::received;
  }
  // A capture of `-i any` has the frames of all links. Only the tunnel has this link-local address.
  const bool on_tunnel = framing == Framing::bare || source == wire::link_local_of(parameters.local);
  if (!on_tunnel && stays_on_its_link(header)) return ReplaySide::other;
  if (engine::is_ours(parameters, source)) return ReplaySide::outward;
  return engine::is_ours(parameters, destination) ? ReplaySide::received : ReplaySide::outward;
}

}  // namespace

ReplaySide side_of(wire::Bytes packet, Framing framing, const engine::TunnelParameters& parameters) noexcept {
  if (const auto header = wire::Ipv4Header::at(packet)) return side_of_ipv4(packet, *header, parameters);
  const auto fixed_part = wire::fixed<wire::ipv6_header_size>(packet);
  if (!fixed_part || packet.front() >> 4U != 6) return ReplaySide::other;
  return side_of_ipv6(packet, wire::Ipv6Header{*fixed_part}, framing, parameters);
}

engine::WireError wire_error_of(wire::Bytes packet) noexcept {
  const wire::Ipv4Header header{packet.first<wire::ipv4_header_size>()};
  const wire::Bytes message = payload_of(packet, header);
  const auto fixed_part = wire::fixed<wire::icmp::header_size>(message);
  if (!fixed_part) return {};
  engine::WireError error{.type = wire::load8<0>(*fixed_part),
                          .code = wire::load8<1>(*fixed_part),
                          .mtu = 0,
                          .quoted = quoted_in(message)};
  const bool needs_fragments = error.type == wire::icmp::type_destination_unreachable &&
                               error.code == wire::icmp::code_fragmentation_needed;
  if (needs_fragments) error.mtu = wire::load16<6>(*fixed_part);
  return error;
}

wire::VnetHeader offload_of(wire::Bytes packet, std::uint16_t mtu) noexcept {
  const auto header = wire::Ipv6Header::at(packet);
  if (!header) return {};
  const wire::Bytes whole = packet.first(header->packet_length());
  const engine::UnfinishedTransport unfinished = engine::find_unfinished_transport(whole);
  if (!unfinished) return {};
  // One in 65536 finished checksums equals the sum of the pseudo-header by chance. Such a packet has a valid
  // checksum.
  if (wire::has_valid_transport_checksum(whole, unfinished.protocol, unfinished.offset)) return {};
  const bool is_super_packet =
      whole.size() > mtu && unfinished.protocol == wire::next_header::tcp && unfinished.header_length < mtu;
  const auto gso_size = is_super_packet ? mtu - unfinished.header_length : 0;
  return engine::describe_offload(unfinished, static_cast<std::uint16_t>(gso_size), whole);
}

}  // namespace sixin4::replay
