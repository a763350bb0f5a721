// The verdict on a packet: it passes, or is refused for one of these reasons.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>

namespace sixin4::engine {

enum class Verdict : std::uint8_t {
  pass,

  // Outbound, about in the order in which a packet meets them.
  not_ipv6,         ///< tun delivered a packet that is not IPv6
  malformed,        ///< header and length or offload data contradict each other
  loop,             ///< the outer packet is, or would be, routed back into the tunnel
  source_rejected,  ///< a source rule rejects it; answered with Destination Unreachable
  flow_table_full,  ///< no room for its flow; answered with Destination Unreachable
  pool_exhausted,   ///< each address of the pool would collide with another flow; answered the same
  source_not_ours,  ///< not a source of this end (`egress-filter`); answered the same
  too_big,          ///< larger than the tunnel MTU; answered with Packet Too Big
  wire_full,        ///< the queue of the IPv4 side stayed full
  wire_error,       ///< sending failed on the IPv4 side: no route, a firewall, a link that is down

  // Inbound, about in the order in which a packet meets them.
  wire_overflow,               ///< the receive queue was full before the endpoint read it
  outer_malformed,             ///< not a whole IPv4 packet of protocol 41
  outer_source_mismatch,       ///< not from `remote`
  outer_destination_mismatch,  ///< not to `local`
  inner_malformed,             ///< no IPv6 packet inside, or one longer than its IPv4 packet
  inner_source_invalid,        ///< a source that is invalid in a tunnel (RFC 4213 §3.6)
  inner_source_ours,           ///< a source of this end, from outside
  ecn_invalid,                 ///< outer header signals congestion, inner flow without ECN (RFC 6040 §4.2)
  inner_joined,                ///< merged UDP datagrams of unknown size, because there is no packet socket
  icmp_mismatch,               ///< an ICMP error about a packet that this tunnel did not send
  icmp_ignored,                ///< an ICMP error without path MTU, for which no ICMPv6 error was sent
  tun_full,                    ///< the tun device's queue is full
  tun_down,                    ///< the interface is down
  tun_error,                   ///< writing to the tun device failed

  count_  ///< number of verdicts
};

inline constexpr std::size_t verdict_count = static_cast<std::size_t>(Verdict::count_);

/// The public names. They must not change, because scripts read them.
inline constexpr std::array<std::pair<Verdict, std::string_view>, verdict_count> verdict_names{{
    {Verdict::pass, "pass"},
    {Verdict::not_ipv6, "not-ipv6"},
    {Verdict::malformed, "malformed"},
    {Verdict::loop, "loop"},
    {Verdict::source_rejected, "source-rejected"},
    {Verdict::flow_table_full, "flow-table-full"},
    {Verdict::pool_exhausted, "pool-exhausted"},
    {Verdict::source_not_ours, "source-not-ours"},
    {Verdict::too_big, "too-big"},
    {Verdict::wire_full, "wire-full"},
    {Verdict::wire_error, "wire-error"},
    {Verdict::wire_overflow, "wire-overflow"},
    {Verdict::outer_malformed, "outer-malformed"},
    {Verdict::outer_source_mismatch, "outer-source-mismatch"},
    {Verdict::outer_destination_mismatch, "outer-destination-mismatch"},
    {Verdict::inner_malformed, "inner-malformed"},
    {Verdict::inner_source_invalid, "inner-source-invalid"},
    {Verdict::inner_source_ours, "inner-source-ours"},
    {Verdict::ecn_invalid, "ecn-invalid"},
    {Verdict::inner_joined, "inner-joined"},
    {Verdict::icmp_mismatch, "icmp-mismatch"},
    {Verdict::icmp_ignored, "icmp-ignored"},
    {Verdict::tun_full, "tun-full"},
    {Verdict::tun_down, "tun-down"},
    {Verdict::tun_error, "tun-error"},
}};
static_assert(
    [] {
      for (std::size_t i = 0; i < verdict_count; ++i) {
        if (verdict_names[i].first != static_cast<Verdict>(i)) return false;
      }
      return true;
    }(),
    "verdict_names has a row for each verdict, in their order");

[[nodiscard]] constexpr std::string_view name_of(Verdict verdict) noexcept {
  return verdict_names[static_cast<std::size_t>(verdict)].second;
}

}  // namespace sixin4::engine
