// What becomes of a packet: it passes, or it is refused for one of these reasons.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

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

/// The stable name of a reason, the same word wherever a user meets it.
[[nodiscard]] constexpr std::string_view name_of(Verdict verdict) noexcept {
  constexpr std::array<std::string_view, verdict_count> names{
      "pass",
      "not-ipv6",
      "malformed",
      "loop",
      "source-rejected",
      "flow-table-full",
      "pool-exhausted",
      "source-not-ours",
      "too-big",
      "wire-full",
      "wire-error",
      "wire-overflow",
      "outer-malformed",
      "outer-source-mismatch",
      "outer-destination-mismatch",
      "inner-malformed",
      "inner-source-invalid",
      "inner-source-ours",
      "ecn-invalid",
      "inner-joined",
      "icmp-mismatch",
      "icmp-ignored",
      "tun-full",
      "tun-down",
      "tun-error",
  };
  static_assert(!names.back().empty());
  return names[static_cast<std::size_t>(verdict)];
}

}  // namespace sixin4::engine
