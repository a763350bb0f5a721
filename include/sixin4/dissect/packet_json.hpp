// Describes a packet as a JSON object in one line.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "sixin4/dissect/fragment_assembler.hpp"
#include "sixin4/dissect/layers.hpp"

namespace sixin4::dissect {

/// Facts about a captured packet that are not in its bytes.
struct PacketFacts {
  std::chrono::nanoseconds time{};  ///< since 1970
  std::uint32_t fragments = 0;      ///< number of its fragments; 0: the packet was not fragmented
};

/// Ends with a line feed.
[[nodiscard]] std::string packet_json(const Layers& packet, const PacketFacts& facts);
/// Describes fragments that were not reassembled. The object has one layer with the fields that all fragments
/// share.
[[nodiscard]] std::string packet_json(const IncompletePacket& packet);

}  // namespace sixin4::dissect
