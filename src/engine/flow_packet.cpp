#include "sixin4/engine/flow_packet.hpp"

#include <algorithm>

#include "sixin4/wire/icmpv6.hpp"
#include "sixin4/wire/ipv6.hpp"
#include "sixin4/wire/transport.hpp"

namespace sixin4::engine {

namespace {

constexpr std::size_t ports_size = 4;
constexpr std::size_t tcp_flags_offset = 13;
constexpr std::size_t echo_identifier_offset = 4;

void read_ports(wire::Bytes packet, Direction direction, FlowPacket& result) noexcept {
  const wire::Bytes header = packet.subspan(std::min(packet.size(), result.transport));
  const bool tcp = result.key.protocol == wire::next_header::tcp;
  result.is_cut_short = header.size() < (tcp ? tcp_flags_offset + 1 : ports_size);
  if (header.size() < ports_size) return;
  const auto ports = header.first<ports_size>();
  const std::uint16_t source = wire::load16<0>(ports);
  const std::uint16_t destination = wire::load16<2>(ports);
  result.key.local_port = direction == Direction::out ? source : destination;
  result.key.remote_port = direction == Direction::out ? destination : source;
  result.part = FlowPart::packet;
  result.begins = !tcp;
  // A packet quoted by an ICMP error often ends before the TCP flags.
  if (!tcp || result.is_cut_short) return;
  const unsigned flags = header[tcp_flags_offset];
  const bool syn = (flags & wire::tcp::flag_syn) != 0;
  const bool ack = (flags & wire::tcp::flag_ack) != 0;
  result.begins = syn && !ack;
  result.tcp_answers = syn && ack;
  result.fin = (flags & wire::tcp::flag_fin) != 0;
  result.rst = (flags & wire::tcp::flag_rst) != 0;
}

void read_icmpv6(wire::Bytes packet, Direction direction, FlowPacket& result) noexcept {
  const auto start = wire::fixed<wire::icmpv6::header_size>(packet, result.transport);
  result.is_cut_short = !start;
  if (!start) return;
  const std::uint8_t type = start->front();
  if (wire::icmpv6::is_error(type)) {
    result.part = FlowPart::error;
    return;
  }
  const std::uint8_t expected =
      direction == Direction::out ? wire::icmpv6::type_echo_request : wire::icmpv6::type_echo_reply;
  if (type != expected) return;
  result.key.local_port = wire::load16<echo_identifier_offset>(*start);
  result.part = FlowPart::packet;
  result.begins = direction == Direction::out;
}

}  // namespace

FlowPacket flow_packet_of(wire::Bytes packet, Direction direction) noexcept {
  FlowPacket result;
  if (!wire::Ipv6Header::begins(packet)) return result;
  const wire::Ipv6Header header{packet.first<wire::ipv6_header_size>()};
  const auto source = header.source().address;
  const auto destination = header.destination().address;
  result.key.local = direction == Direction::out ? source : destination;
  result.key.remote = direction == Direction::out ? destination : source;
  result.key.protocol = header.next_header();
  result.transport = wire::ipv6_header_size;
  if (wire::extension_kind(header.next_header()) != wire::ExtensionKind::none) {
    const auto upper = wire::walk_extension_headers(packet);
    result.is_cut_short = !upper;
    if (!upper) return result;
    result.key.protocol = upper->protocol;
    result.transport = upper->offset;
    result.identification = upper->identification;
    result.is_first_fragment = upper->is_fragment();
    if (upper->fragment_offset != 0) {
      result.is_first_fragment = false;
      result.part = FlowPart::later_fragment;
      return result;
    }
  }
  if (result.key.protocol == wire::next_header::icmpv6) {
    read_icmpv6(packet, direction, result);
  } else if (wire::has_ports(result.key.protocol)) {
    read_ports(packet, direction, result);
  } else {
    result.part = FlowPart::packet;
    result.begins = true;
  }
  return result;
}

}  // namespace sixin4::engine
