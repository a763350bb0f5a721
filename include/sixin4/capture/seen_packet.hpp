// A packet as one side of a tunnel's end has seen it.
#pragma once

#include <cstdint>

#include "sixin4/engine/packet.hpp"
#include "sixin4/engine/time.hpp"
#include "sixin4/engine/verdict.hpp"
#include "sixin4/wire/bytes.hpp"

namespace sixin4::capture {

/// Inner: the IPv6 packet, as the host has it. Outer: the IPv4 packet around it, as the wire has it.
enum class Form : std::uint8_t { inner, outer };

struct SeenPacket {
  engine::PacketId id = 0;  ///< shared by all forms of a packet, and by its segments and fragments
  engine::Time time{};
  Form form = Form::inner;
  bool outward = false;
  engine::Verdict verdict = engine::Verdict::pass;
  std::uint32_t length = 0;  ///< of the whole packet
  wire::Bytes bytes{};       ///< what is kept of it
};

}  // namespace sixin4::capture
