// Determines the flow of a packet from its headers.
#pragma once

#include <cstddef>
#include <cstdint>

#include "sixin4/engine/flow_key.hpp"
#include "sixin4/engine/packet.hpp"
#include "sixin4/wire/bytes.hpp"

namespace sixin4::engine {

enum class FlowPart : std::uint8_t {
  none,            ///< no flow: an echo that the far side began, neighbour discovery, a broken packet
  packet,          ///< a packet with its upper-layer header, or a first fragment
  later_fragment,  ///< a further fragment, which belongs to the flow of its first
  error,           ///< an ICMPv6 error, which belongs to the flow of the packet it quotes
};

struct FlowPacket {
  FlowPart part = FlowPart::none;
  FlowKey key;                ///< without ports for a later fragment or an error
  std::size_t transport = 0;  ///< offset of the upper-layer header
  bool is_first_fragment = false;
  bool is_cut_short = false;         ///< ends within its header chain, ports, TCP flags or ICMPv6 header
  std::uint32_t identification = 0;  ///< of a fragment
  /// May be the first packet of a flow: a TCP SYN without ACK, an outbound echo request, any packet of
  /// another protocol.
  bool begins = false;
  bool tcp_answers = false;  ///< SYN and ACK: the other side began the flow
  bool fin = false;          ///< of TCP
  bool rst = false;          ///< of TCP
};

/// `packet` is an IPv6 packet cut to its length, or the start of one, that goes in `direction`.
///
/// Outbound echo requests and inbound echo replies have a flow; other echo messages have none.
[[nodiscard]] FlowPacket flow_packet_of(wire::Bytes packet, Direction direction) noexcept;

}  // namespace sixin4::engine
