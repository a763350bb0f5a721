#include "sixin4/wire/ipv4.hpp"

#include <algorithm>

#include "sixin4/wire/checksum.hpp"

namespace sixin4::wire {

std::optional<Ipv4Header> Ipv4Header::at(Bytes packet) noexcept {
  const auto bytes = fixed<ipv4_header_size>(packet);
  if (!bytes || load8<0>(*bytes) >> 4U != 4) return std::nullopt;
  const Ipv4Header header{*bytes};
  if (header.header_length() < ipv4_header_size || header.header_length() > packet.size())
    return std::nullopt;
  return header;
}

Source<Ipv4Address> Ipv4Header::source() const noexcept {
  Source<Ipv4Address> source;
  std::ranges::copy(bytes_.subspan<12, 4>(), source.address.octets.begin());
  return source;
}

Destination<Ipv4Address> Ipv4Header::destination() const noexcept {
  Destination<Ipv4Address> destination;
  std::ranges::copy(bytes_.subspan<16, 4>(), destination.address.octets.begin());
  return destination;
}

void write_ipv4_header(std::span<std::uint8_t, ipv4_header_size> header, const Ipv4Fields& fields) noexcept {
  store8<0>(header, 0x45);
  store8<1>(header, fields.tos);
  store16<2>(header, fields.total_length);
  store16<4>(header, fields.identification);
  store16<6>(header, static_cast<std::uint16_t>((fields.dont_fragment ? 0x4000U : 0U) |
                                                (fields.more_fragments ? 0x2000U : 0U) |
                                                fields.fragment_offset / 8U));
  store8<8>(header, fields.ttl);
  store8<9>(header, fields.protocol);
  store16<10>(header, 0);
  std::ranges::copy(fields.source.address.octets, header.subspan<12, 4>().begin());
  std::ranges::copy(fields.destination.address.octets, header.subspan<16, 4>().begin());
  store16<10>(header, sum_of(header).checksum());
}

}  // namespace sixin4::wire
