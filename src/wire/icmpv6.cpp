#include "sixin4/wire/icmpv6.hpp"

#include <algorithm>

#include "sixin4/wire/checksum.hpp"

namespace sixin4::wire::icmpv6 {

Bytes write_icmp_error(ErrorBuffer& buffer, Bytes offending, const Error& error,
                       const Source<Ipv6Address>& source) noexcept {
  constexpr std::size_t headers = ipv6_header_size + header_size;
  const Bytes quote = offending.first(std::min(offending.size(), buffer.size() - headers));
  const MutableBytes packet = MutableBytes{buffer}.first(headers + quote.size());
  const auto icmp_length = static_cast<std::uint16_t>(header_size + quote.size());
  const Destination destination{Ipv6Header{offending.first<ipv6_header_size>()}.source().address};

  write_ipv6_header(packet.first<ipv6_header_size>(), {.payload_length = icmp_length,
                                                       .next_header = next_header::icmpv6,
                                                       .hop_limit = 64,
                                                       .source = source,
                                                       .destination = destination});
  const MutableBytes icmp = packet.subspan(ipv6_header_size);
  const auto icmp_header = icmp.first<header_size>();
  store8<0>(icmp_header, error.type);
  store8<1>(icmp_header, error.code);
  store16<2>(icmp_header, 0);
  store32<4>(icmp_header, error.parameter);
  copy(quote, icmp.subspan(header_size));
  const auto sum = pseudo_header_sum(source, destination, icmp_length, next_header::icmpv6) + sum_of(icmp);
  store16<2>(icmp_header, sum.checksum());
  return packet;
}

}  // namespace sixin4::wire::icmpv6
