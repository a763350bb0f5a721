#include "sixin4/engine/icmp_error.hpp"

#include "sixin4/wire/ipv6.hpp"

namespace sixin4::engine {

bool may_answer(wire::Bytes offending, const wire::icmpv6::Error& error) noexcept {
  const auto header = wire::Ipv6Header::at_quoted(offending);
  if (!header) return false;
  const auto source = header->source().address;
  if (source.is_unspecified() || source.is_multicast()) return false;
  const bool packet_too_big = error.type == wire::icmpv6::type_packet_too_big;
  if (header->destination().address.is_multicast() && !packet_too_big) return false;

  const auto upper = wire::upper_layer_of(offending);
  if (!upper) return false;  // it may be an error
  if (upper->protocol != wire::next_header::icmpv6) return true;
  if (upper->fragment_offset != 0) return true;  // its type is in another fragment
  const auto type = wire::fixed<1>(offending, upper->offset);
  return type && !wire::icmpv6::is_error(type->front()) && type->front() != wire::icmpv6::type_redirect;
}

}  // namespace sixin4::engine
