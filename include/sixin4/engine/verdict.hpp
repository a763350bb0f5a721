// What becomes of a packet: it passes, or it is refused for one of these reasons.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>

namespace sixin4::engine {

enum class Verdict : std::uint8_t {
  pass,

  // Outbound, in the order in which a packet meets them.
  not_ipv6,         ///< tun handed over something that is not IPv6
  malformed,        ///< an IPv6 packet, or its offload data, that contradicts itself
  loop,             ///< its outer packet would be, or is, routed back into the tunnel
  source_rejected,  ///< a source rule says so; answered with Destination Unreachable
  flow_table_full,  ///< its flow would begin, and there is no room for it; answered the same
  pool_exhausted,   ///< its flow would be another's with each address that it may have; answered the same
  source_not_ours,  ///< a source that is not this end's (`egress-filter`); answered with Destination
                    ///< Unreachable
  too_big,          ///< larger than the tunnel MTU; answered with Packet Too Big
  wire_full,        ///< the IPv4 side takes no more: its queue stayed full
  wire_error,       ///< the IPv4 side refused the packet: no route, a firewall, a link that is down

  // Inbound, in the order in which a packet meets them.
  wire_overflow,               ///< the queue of the IPv4 side was full before the endpoint read it
  outer_malformed,             ///< not an IPv4 packet of protocol 41, or a fragment
  outer_source_mismatch,       ///< not from `remote`
  outer_destination_mismatch,  ///< not to `local`
  inner_malformed,             ///< no IPv6 packet inside, or one that is longer than what arrived
  inner_source_invalid,        ///< a source that no packet from a tunnel may have
  inner_source_ours,           ///< a source of our own, from outside
  ecn_invalid,                 ///< congestion experienced outside, no ECN inside (RFC 6040 §4.2)
  inner_joined,                ///< UDP datagrams that were joined, without the packet socket that tells where
  icmp_mismatch,               ///< an ICMP error about a packet that is not the tunnel's
  icmp_ignored,                ///< an ICMP error that nothing follows from: nobody was told
  tun_full,                    ///< the tun device's queue is full
  tun_down,                    ///< the interface is down
  tun_error,                   ///< the tun device refused the packet

  count_  ///< not a verdict: how many there are
};

inline constexpr std::size_t verdict_count = static_cast<std::size_t>(Verdict::count_);

/// The names that users and their scripts meet. They do not change.
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
