#include "sixin4/engine/source.hpp"

#include <algorithm>

#include "sixin4/wire/ipv6.hpp"

namespace sixin4::engine {

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

bool may_leave(const TunnelParameters& parameters, wire::Bytes packet) noexcept {
  const auto header = wire::Ipv6Header::at_quoted(packet);
  if (!header) return false;
  const auto source = header->source().address;
  if (source.is_unspecified()) {
    const auto upper = wire::upper_layer_of(packet);
    return upper && upper->protocol == wire::next_header::icmpv6;
  }
  return source.is_link_local() || is_ours(parameters, source);
}

}  // namespace sixin4::engine
