// A packet as one JSON object a line, for programs.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "sixin4/dissect/fragment_assembler.hpp"
#include "sixin4/dissect/layers.hpp"

namespace sixin4::dissect {

/// What a capture tells of a packet beside its bytes.
struct PacketFacts {
  std::chrono::nanoseconds time{};  ///< since 1970
  std::uint32_t fragments = 0;      ///< that the packet was put together from; 0: it came whole
};

/// With a line end.
[[nodiscard]] std::string packet_json(const Layers& packet, const PacketFacts& facts);
/// Of fragments that never became a packet: the one layer has only what they have in common.
[[nodiscard]] std::string packet_json(const IncompletePacket& packet);

}  // namespace sixin4::dissect
