// A packet as one side of a tunnel's end has seen it.
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

/// Inner: the IPv6 packet, as the host has it. Outer: the IPv4 packet around it, as the wire has it.
enum class Form : std::uint8_t { inner, outer };

/// Of a packet as it came by the wire. Of one that is not from the far end the io room takes the beginning
/// only; of a merged one the header tells a packet's length, or nothing.
[[nodiscard]] inline std::size_t length_of_outer(wire::Bytes packet) noexcept {
  const auto header = wire::Ipv4Header::at(packet);
  return header ? std::max<std::size_t>(packet.size(), header->total_length()) : packet.size();
}

struct SeenPacket {
  engine::PacketId id = 0;  ///< shared by all forms of a packet, and by its segments and fragments
  engine::Time time{};
  Form form = Form::inner;
  engine::Direction direction = engine::Direction::in;
  engine::Verdict verdict = engine::Verdict::pass;
  std::uint32_t length = 0;  ///< of the whole packet
  wire::Bytes bytes{};       ///< what is kept of it
};

}  // namespace sixin4::capture
