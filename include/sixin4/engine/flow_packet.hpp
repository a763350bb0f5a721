// What a packet says of the flow that it belongs to.
#pragma once

#include <cstddef>
#include <cstdint>

#include "sixin4/engine/flow_key.hpp"
#include "sixin4/engine/packet.hpp"
#include "sixin4/wire/bytes.hpp"

namespace sixin4::engine {

enum class FlowPart : std::uint8_t {
  none,            ///< nothing that has a flow: an echo reply of ours, neighbour discovery, a broken packet
  packet,          ///< a packet with its headers, or the first fragment of one
  later_fragment,  ///< belongs where its first fragment did
  error,           ///< an ICMPv6 error: belongs to the flow of the packet that it quotes
};

struct FlowPacket {
  FlowPart part = FlowPart::none;
  FlowKey key;                ///< of a packet; of a later fragment without ports
  std::size_t transport = 0;  ///< offset of the upper-layer header
  bool is_first_fragment = false;
  bool is_cut_short = false;  ///< ends in its header chain, or before what its flow is known and judged by
  std::uint32_t identification = 0;  ///< of a fragment
  /// It can be the first of its flow. TCP has a packet for that, and an answered echo is no question.
  bool begins = false;
  bool tcp_answers = false;  ///< SYN and ACK: the flow was begun by the other side
  bool fin = false;          ///< of TCP
  bool rst = false;          ///< of TCP
};

/// `packet` is an IPv6 packet cut to its length, or the start of one, on its way in `direction`.
///
/// An echo's flow is that of the asking end's: requests outward, replies inward.
[[nodiscard]] FlowPacket flow_packet_of(wire::Bytes packet, Direction direction) noexcept;

}  // namespace sixin4::engine
