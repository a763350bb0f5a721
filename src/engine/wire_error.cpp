#include "sixin4/engine/wire_error.hpp"

#include <algorithm>

#include "sixin4/engine/path_mtu.hpp"
#include "sixin4/engine/source.hpp"
#include "sixin4/wire/icmp.hpp"
#include "sixin4/wire/ipv4.hpp"
#include "sixin4/wire/ipv6.hpp"

namespace sixin4::engine {

namespace {

/// The quoted part of the inner packet; empty if it does not identify a sender, because many routers quote
/// only eight bytes after the IPv4 header. Empty also for a source that the tunnel would have refused: such
/// an error is forged.
wire::Bytes inner_part(const TunnelParameters& parameters, const wire::Ipv4Header& outer,
                       wire::Bytes quoted) noexcept {
  if (outer.fragment_offset() != 0) return {};
  const wire::Bytes inner = quoted.subspan(std::min(quoted.size(), outer.header_length()));
  const auto header = wire::Ipv6Header::at_quoted(inner);
  if (!header || is_never_a_source(header->source().address)) return {};
  if (parameters.egress_filter && !may_leave(parameters, inner)) return {};
  return inner.first(std::min(inner.size(), header->packet_length()));
}

}  // namespace

Translated translate(const TunnelParameters& parameters, const WireError& error) noexcept {
  const auto outer = wire::Ipv4Header::at(error.quoted);
  if (!outer || outer->protocol() != wire::protocol_ipv6 || outer->source().address != parameters.local ||
      outer->destination().address != parameters.remote) {
    return {};
  }

  Translated result{.ours = true, .path_mtu = std::nullopt, .answer = std::nullopt};
  wire::icmpv6::Error answer = wire::icmpv6::destination_unreachable(wire::icmpv6::code_address_unreachable);
  const bool unreachable = error.type == wire::icmp::type_destination_unreachable;
  if (unreachable && error.code == wire::icmp::code_fragmentation_needed) {
    // Without `pmtudisc` DF is clear, so no router has a reason to report this (RFC 4213 §3.2.1).
    if (!parameters.pmtudisc) return result;
    const std::uint16_t mtu = error.mtu == 0 ? plateau_below(outer->total_length()) : error.mtu;
    if (mtu < wire::ipv4_min_mtu) return result;
    result.path_mtu = mtu;
    answer = wire::icmpv6::packet_too_big(tunnel_mtu(mtu, parameters.mtu, parameters.pmtudisc));
  } else if (!unreachable && error.type != wire::icmp::type_time_exceeded) {
    return result;
  }

  const wire::Bytes inner = inner_part(parameters, *outer, error.quoted);
  if (!inner.empty()) result.answer = {.error = answer, .offending = inner};
  return result;
}

}  // namespace sixin4::engine
