// Describes a packet in one line in the style of tcpdump, with both addresses of every layer.
#pragma once

#include <chrono>
#include <cstddef>
#include <string>

#include "sixin4/dissect/fragment_assembler.hpp"
#include "sixin4/dissect/layers.hpp"
#include "sixin4/wire/bytes.hpp"

namespace sixin4::dissect {

/// Marks a packet that was not captured whole with `[truncated]`.
[[nodiscard]] std::string describe_layers(const Layers& packet);

/// `packet` holds the captured bytes of a packet of `length` bytes, from its IPv4 or IPv6 header on.
[[nodiscard]] std::string describe_packet(wire::Bytes packet, std::size_t length);
[[nodiscard]] inline std::string describe_packet(wire::Bytes packet) {
  return describe_packet(packet, packet.size());
}

/// Describes fragments that were not reassembled.
[[nodiscard]] std::string describe_incomplete(const IncompletePacket& packet);

/// `12:00:09.123456` in the local time zone, as tcpdump prints it. `time` is since 1970.
[[nodiscard]] std::string time_text(std::chrono::nanoseconds time);

}  // namespace sixin4::dissect
