// A packet in one of its two forms, as a worker passes it to captures and to the flight recorder.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "sixin4/engine/packet.hpp"
#include "sixin4/engine/time.hpp"
#include "sixin4/engine/verdict.hpp"
#include "sixin4/wire/bytes.hpp"
#include "sixin4/wire/ipv4.hpp"

namespace sixin4::capture {

/// Inner: the IPv6 packet, as on the tun device. Outer: the IPv4 packet around it, as on the IPv4 link.
enum class Form : std::uint8_t { inner, outer };

/// The length of an outer packet as the socket delivers it: the larger one of its size and of the length in
/// its header. The io room receives only the beginning of a packet that is not from the far end. The header
/// of a merged packet has the length of one of its packets, or 0.
[[nodiscard]] inline std::size_t length_of_outer(wire::Bytes packet) noexcept {
  const auto header = wire::Ipv4Header::at(packet);
  return header ? std::max<std::size_t>(packet.size(), header->total_length()) : packet.size();
}

struct SeenPacket {
  engine::PacketId id = 0;  ///< the same for both forms of a packet, its segments and its fragments
  engine::Time time{};
  Form form = Form::inner;
  engine::Direction direction = engine::Direction::in;
  engine::Verdict verdict = engine::Verdict::pass;
  std::uint32_t length = 0;  ///< of the whole packet
  wire::Bytes bytes{};       ///< the kept part of the packet
};

}  // namespace sixin4::capture
