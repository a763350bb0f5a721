#include "sixin4/engine/icmp_error.hpp"

#include <algorithm>

#include "sixin4/wire/checksum.hpp"

namespace sixin4::engine {

bool may_answer(wire::Bytes offending, const wire::icmpv6::Error& error) noexcept {
  const auto header = wire::Ipv6Header::at_quoted(offending);
  if (!header) return false;
  const auto source = header->source().address;
  if (source.is_unspecified() || source.is_multicast()) return false;
  const bool packet_too_big = error.type == wire::icmpv6::type_packet_too_big;
  if (header->destination().address.is_multicast() && !packet_too_big) return false;

  const auto upper = wire::upper_layer_of(offending);
  if (!upper) return false;  // may be an error itself
  if (upper->protocol != wire::next_header::icmpv6) return true;
  if (upper->fragment_offset != 0) return true;  // its type stands in another packet
  const auto type = wire::fixed<1>(offending, upper->offset);
  return type && !wire::icmpv6::is_error(type->front()) && type->front() != wire::icmpv6::type_redirect;
}

wire::Bytes write_icmp_error(IcmpErrorBuffer& buffer, wire::Bytes offending, const wire::icmpv6::Error& error,
                             const wire::Source<wire::Ipv6Address>& source) noexcept {
  constexpr std::size_t headers = wire::ipv6_header_size + wire::icmpv6::header_size;
  const wire::Bytes quote = offending.first(std::min(offending.size(), buffer.size() - headers));
  const wire::MutableBytes packet = wire::MutableBytes{buffer}.first(headers + quote.size());
  const auto icmp_length = static_cast<std::uint16_t>(wire::icmpv6::header_size + quote.size());
  const wire::Destination destination{
      wire::Ipv6Header{offending.first<wire::ipv6_header_size>()}.source().address};

  wire::write_ipv6_header(packet.first<wire::ipv6_header_size>(), {.payload_length = icmp_length,
                                                                   .next_header = wire::next_header::icmpv6,
                                                                   .hop_limit = 64,
                                                                   .source = source,
                                                                   .destination = destination});
  const wire::MutableBytes icmp = packet.subspan(wire::ipv6_header_size);
  const auto icmp_header = icmp.first<wire::icmpv6::header_size>();
  wire::store8<0>(icmp_header, error.type);
  wire::store8<1>(icmp_header, error.code);
  wire::store16<2>(icmp_header, 0);
  wire::store32<4>(icmp_header, error.parameter);
  wire::copy(quote, icmp.subspan(wire::icmpv6::header_size));
  const auto sum = wire::pseudo_header_sum(source, destination, icmp_length, wire::next_header::icmpv6) +
                   wire::sum_of(icmp);
  wire::store16<2>(icmp_header, sum.checksum());
  return packet;
}

}  // namespace sixin4::engine
