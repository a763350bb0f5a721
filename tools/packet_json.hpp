// A packet as one JSON object a line, for programs.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "sixin4/capture/fragment_assembler.hpp"
#include "sixin4/capture/layers.hpp"

namespace sixin4 {

/// What a capture tells of a packet beside its bytes.
struct PacketFacts {
  std::chrono::nanoseconds time{};  ///< since 1970
  std::uint32_t fragments = 0;      ///< that the packet was put together from; 0: it came whole
};

/// With a line end.
[[nodiscard]] std::string packet_json(const capture::Layers& packet, const PacketFacts& facts);
/// Of fragments that never became a packet: the one layer has only what they have in common.
[[nodiscard]] std::string packet_json(const capture::IncompletePacket& packet);

}  // namespace sixin4
