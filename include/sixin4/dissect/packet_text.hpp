// A packet as one line, in tcpdump's manner, with both addresses of every layer.
#pragma once

#include <chrono>
#include <cstddef>
#include <string>

#include "sixin4/dissect/fragment_assembler.hpp"
#include "sixin4/dissect/layers.hpp"
#include "sixin4/wire/bytes.hpp"

namespace sixin4::dissect {

/// Of a packet that was taken apart. Says so where not all of it is there.
[[nodiscard]] std::string describe_layers(const Layers& packet);

/// `packet` begins with an IPv4 or IPv6 header, and is what a capture has kept of one of `length` bytes.
[[nodiscard]] std::string describe_packet(wire::Bytes packet, std::size_t length);
[[nodiscard]] inline std::string describe_packet(wire::Bytes packet) {
  return describe_packet(packet, packet.size());
}

/// Of fragments that never became a packet; those that contradict each other are malformed.
[[nodiscard]] std::string describe_incomplete(const IncompletePacket& packet);

/// `12:00:09.123456`, in the local time zone as tcpdump has it. `time` is since 1970.
[[nodiscard]] std::string time_text(std::chrono::nanoseconds time);

}  // namespace sixin4::dissect
