#include "sixin4/engine/rewrite.hpp"

#include "sixin4/wire/checksum.hpp"
#include "sixin4/wire/ipv6.hpp"
#include "sixin4/wire/transport.hpp"

namespace sixin4::engine {

namespace {

using AddressField = std::span<std::uint8_t, 16>;

using SumChange = wire::InternetSum;

/// Requires that `packet` begins with an IPv6 header.
AddressField local_address(wire::MutableBytes packet, Direction direction) noexcept {
  const auto header = packet.first<wire::ipv6_header_size>();
  return direction == Direction::out ? AddressField{header.subspan<8, 16>()}
                                     : AddressField{header.subspan<24, 16>()};
}

wire::Ipv6Address address_in(AddressField field) noexcept {
  return {wire::copy_of<0, 16>(std::span<const std::uint8_t, 16>{field})};
}

inline SumChange replace(AddressField field, const wire::Ipv6Address& address) noexcept {
  const SumChange change = wire::change_of(wire::load64<0>(field), address.high()) +
                           wire::change_of(wire::load64<8>(field), address.low());
  wire::store<0>(field, address.high());
  wire::store<8>(field, address.low());
  return change;
}

/// Updates the checksum of the upper-layer header at `transport` for a change of covered bytes. Returns the
/// change of the checksum field itself.
inline SumChange adjust_checksum(wire::MutableBytes packet, std::uint8_t protocol, std::size_t transport,
                                 bool unfinished, const SumChange& change) noexcept {
  const auto offset = wire::pseudo_header_checksum_offset(protocol);
  if (!offset) return {};
  const auto field = wire::fixed<2>(packet, transport + *offset);
  if (!field) return {};
  const std::uint16_t before = wire::load16<0>(*field);
  std::uint16_t after = 0;
  if (unfinished) {
    after = (wire::InternetSum{before} + change).folded();
  } else {
    // In UDP 0 means "no checksum"; the checksum 0 is written as 0xffff (RFC 8200 §8.1).
    const bool udp = protocol == wire::next_header::udp || protocol == wire::next_header::udp_lite;
    if (udp && before == 0) return {};
    const auto sum = wire::InternetSum{before}.inverse() + change;  // RFC 1624, equation 3
    after = udp ? sum.transport_checksum() : sum.checksum();
  }
  wire::store16<0>(*field, after);
  return wire::change_of(before, after);
}

/// Whether the checksum is left for the link or the tun device to finish.
bool is_unfinished(const wire::VnetHeader& offload, const FlowPacket& parsed) noexcept {
  return offload.needs_checksum && offload.checksum_start == parsed.transport;
}

}  // namespace

void rewrite_local(TunPacket& packet, const FlowPacket& parsed, Direction direction,
                   const wire::Ipv6Address& address) noexcept {
  const SumChange change = replace(local_address(packet.bytes, direction), address);
  if (parsed.part == FlowPart::later_fragment) return;  // the checksum is in the first fragment
  (void)adjust_checksum(packet.bytes, parsed.key.protocol, parsed.transport,
                        is_unfinished(packet.offload, parsed), change);
}

void rewrite_error(TunPacket& packet, const FlowPacket& parsed, Direction direction,
                   const wire::Ipv6Address& from, const wire::Ipv6Address& to) noexcept {
  SumChange change;
  const wire::MutableBytes quoted = quoted_by(packet.bytes, parsed);
  const Direction quoted_direction = opposite(direction);
  if (wire::Ipv6Header::begins(quoted)) {
    const FlowPacket inner = flow_packet_of(quoted, quoted_direction);
    const SumChange address_change = replace(local_address(quoted, quoted_direction), to);
    change += address_change;
    if (inner.part == FlowPart::packet) {
      change += adjust_checksum(quoted, inner.key.protocol, inner.transport, false, address_change);
    }
  }
  const AddressField local = local_address(packet.bytes, direction);
  if (address_in(local) == from) change += replace(local, to);
  (void)adjust_checksum(packet.bytes, parsed.key.protocol, parsed.transport,
                        is_unfinished(packet.offload, parsed), change);
}

}  // namespace sixin4::engine
