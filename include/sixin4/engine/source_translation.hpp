// Source rules at work: the address that an outward packet leaves with, and the way back for its answers.
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

/// What all workers of a tunnel remember of its flows.
struct FlowMemory {
  FlowMemory(std::uint32_t bound, std::uint64_t seed) : table(bound, seed), fragments(seed) {}
  FlowTable table;
  FragmentTrails fragments;
};

/// The local address that a packet is to have.
struct SourceChoice {
  Verdict verdict = Verdict::pass;  ///< else the packet is refused
  bool rewrites = false;
  wire::Ipv6Address from{};  ///< where it rewrites
  wire::Ipv6Address to{};    ///< where it rewrites
};

/// Whether there is a flow to find, or one could begin. Where not, packets need not be parsed for theirs.
[[nodiscard]] bool knows_flows(const TunnelParameters& parameters) noexcept;

/// What is judged at all: what goes from one host to another.
[[nodiscard]] bool is_between_hosts(const FlowKey& flow) noexcept;

/// What an outward packet, an IPv6 packet cut to its length, is to leave as. `parsed` is what
/// `flow_packet_of` says of it. Begins its flow where there is none. Only what goes from one host to another
/// is judged, and never a link-local address. The tunnel knows flows.
[[nodiscard]] SourceChoice choose_source(const TunnelParameters& parameters, wire::Bytes packet,
                                         const FlowPacket& parsed, Time now) noexcept;

/// Makes an outward packet what was chosen, where that is another source.
void apply(const SourceChoice& choice, const FlowPacket& parsed, TunPacket& packet) noexcept;

/// The source that an outward packet will have: its own, or the one that was chosen.
[[nodiscard]] const wire::Ipv6Address& resulting_source(const SourceChoice& choice,
                                                        const FlowPacket& parsed) noexcept;

/// Gives an inward packet, an IPv6 packet cut to its length, the destination that its flow has in front of
/// the tunnel.
void restore_destination(const TunnelParameters& parameters, TunPacket& packet, Time now) noexcept;

}  // namespace sixin4::engine
