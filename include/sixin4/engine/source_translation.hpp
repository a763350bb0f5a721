// Applies source rules: translates the source of outbound packets, and translates back the destination of the
// answers.
#pragma once

#include <cstdint>

#include "sixin4/engine/flow_packet.hpp"
#include "sixin4/engine/flow_table.hpp"
#include "sixin4/engine/fragment_trails.hpp"
#include "sixin4/engine/packet.hpp"
#include "sixin4/engine/parameters.hpp"
#include "sixin4/engine/time.hpp"
#include "sixin4/engine/verdict.hpp"
#include "sixin4/wire/address.hpp"
#include "sixin4/wire/bytes.hpp"

namespace sixin4::engine {

/// The flow state that all workers of a tunnel share.
struct FlowMemory {
  FlowMemory(std::uint32_t bound, std::uint64_t seed) : table(bound, seed), fragments(seed) {}
  FlowTable table;
  FragmentTrails fragments;
};

/// The decision about the local address of an outbound packet.
struct SourceChoice {
  Verdict verdict = Verdict::pass;  ///< not pass: the packet is refused
  bool rewrites = false;
  wire::Ipv6Address from{};  ///< if `rewrites`: the local address of the packet, or of the one it quotes
  wire::Ipv6Address to{};    ///< if `rewrites`: the address that replaces `from`
};

/// Whether a flow exists or could begin. If not, packets need not be parsed.
[[nodiscard]] bool knows_flows(const TunnelParameters& parameters) noexcept;

/// Whether rules apply: neither address is link-local or multicast, and the local one is not unspecified.
[[nodiscard]] bool is_between_hosts(const FlowKey& flow) noexcept;

/// Decides about an outbound packet, an IPv6 packet cut to its length, and begins its flow if it has none.
/// `parsed` is the result of `flow_packet_of`. Requires `knows_flows`.
[[nodiscard]] SourceChoice choose_source(const TunnelParameters& parameters, wire::Bytes packet,
                                         const FlowPacket& parsed, Time now) noexcept;

/// Sets the chosen source. Requires `choice.rewrites`.
void apply(const SourceChoice& choice, const FlowPacket& parsed, TunPacket& packet) noexcept;

/// The source that an outbound packet will have.
[[nodiscard]] const wire::Ipv6Address& resulting_source(const SourceChoice& choice,
                                                        const FlowPacket& parsed) noexcept;

/// Sets the destination of an inbound packet, an IPv6 packet cut to its length, to the local address that the
/// host uses for its flow.
void restore_destination(const TunnelParameters& parameters, TunPacket& packet, Time now) noexcept;

}  // namespace sixin4::engine
