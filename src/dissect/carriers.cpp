#include "carriers.hpp"

#include <algorithm>

#include "sixin4/dissect/link_layer.hpp"
#include "sixin4/wire/transport.hpp"

namespace sixin4::dissect {

namespace {

constexpr std::uint8_t protocol_gre = 47;

constexpr std::uint16_t vxlan_port = 4789;
constexpr std::uint16_t older_vxlan_port = 8472;  // default of Linux, older than the assigned number
constexpr std::uint16_t geneve_port = 6081;

/// Finds the IP packet at `offset` or after further link headers. `type` is the EtherType of the bytes there.
std::optional<Carried> find_ip(Carrier carrier, std::uint16_t type, wire::Bytes payload, std::size_t offset,
                               std::size_t room) noexcept {
  if (offset > payload.size()) return std::nullopt;
  const LinkPayload found = strip_ethertype(type, payload.subspan(offset));
  if (found.kind != LinkPayload::Kind::ip || found.packet.empty()) return std::nullopt;
  // The IP version is checked because any payload may look like a carrier.
  const unsigned version = found.packet.front() >> 4U;
  if (version != 4 && version != 6) return std::nullopt;
  return Carried{
      .carrier = carrier, .captured = found.packet, .room = room - (payload.size() - found.packet.size())};
}

/// GRE by RFC 2784 with the optional fields of RFC 2890, and version 1 of PPTP (RFC 2637).
std::optional<Carried> carried_in_gre(wire::Bytes payload, std::size_t room) noexcept {
  constexpr unsigned has_checksum = 0x8000;
  constexpr unsigned has_routing = 0x4000;  // obsolete: RFC 2784 receivers discard the packet
  constexpr unsigned has_key = 0x2000;
  constexpr unsigned has_sequence = 0x1000;
  constexpr unsigned has_acknowledgment = 0x0080;
  constexpr unsigned version_bits = 0x0007;
  constexpr std::size_t field_size = 4;
  const auto header = wire::fixed<4>(payload);
  if (!header) return std::nullopt;
  const unsigned flags = wire::load16<0>(*header);
  const unsigned version = flags & version_bits;
  if (version > 1 || (flags & has_routing) != 0) return std::nullopt;
  std::size_t offset = header->size();
  for (const unsigned field : {has_checksum, has_key, has_sequence}) {
    if ((flags & field) != 0) offset += field_size;
  }
  if (version == 1 && (flags & has_acknowledgment) != 0) offset += field_size;
  return find_ip(Carrier::gre, wire::load16<2>(*header), payload, offset, room);
}

/// RFC 7348: the payload is an Ethernet frame.
std::optional<Carried> carried_in_vxlan(wire::Bytes datagram, std::size_t room) noexcept {
  constexpr std::uint8_t has_network = 0x08;
  const auto header = wire::fixed<8>(datagram, wire::udp::header_size);
  if (!header || (wire::load8<0>(*header) & has_network) == 0) return std::nullopt;
  auto carried =
      find_ip(Carrier::vxlan, transparent_ethernet, datagram, wire::udp::header_size + header->size(), room);
  if (carried) carried->network = wire::load32<4>(*header) >> 8U;
  return carried;
}

/// RFC 8926. Options are skipped.
std::optional<Carried> carried_in_geneve(wire::Bytes datagram, std::size_t room) noexcept {
  constexpr unsigned length_bits = 0x3f;
  const auto header = wire::fixed<8>(datagram, wire::udp::header_size);
  if (!header || wire::load8<0>(*header) >> 6U != 0) return std::nullopt;
  const std::size_t options = std::size_t{4} * (wire::load8<0>(*header) & length_bits);
  auto carried = find_ip(Carrier::geneve, wire::load16<2>(*header), datagram,
                         wire::udp::header_size + header->size() + options, room);
  if (carried) carried->network = wire::load32<4>(*header) >> 8U;
  return carried;
}

std::optional<Carried> carried_in_udp(wire::Bytes payload, std::size_t room) noexcept {
  const auto header = wire::fixed<wire::udp::header_size>(payload);
  if (!header) return std::nullopt;
  const std::size_t length = wire::load16<4>(*header);
  const wire::Bytes datagram = payload.first(std::min(payload.size(), length));
  room = std::min(room, length);
  switch (wire::load16<2>(*header)) {
    case vxlan_port:
    case older_vxlan_port:
      return carried_in_vxlan(datagram, room);
    case geneve_port:
      return carried_in_geneve(datagram, room);
    default:
      return std::nullopt;
  }
}

}  // namespace

std::optional<Carried> carried_in(std::uint8_t protocol, wire::Bytes payload, std::size_t room) noexcept {
  if (protocol == protocol_gre) return carried_in_gre(payload, room);
  if (protocol == wire::next_header::udp) return carried_in_udp(payload, room);
  return std::nullopt;
}

}  // namespace sixin4::dissect
