// One line of text for a packet of a running endpoint.
#pragma once

#include <chrono>
#include <string>

#include "sixin4/capture/seen_packet.hpp"
#include "sixin4/engine/verdict.hpp"

namespace sixin4::cli {

/// `12:00:00.123456 out IP6 …`, with `, drop: REASON` at the end for a dropped packet, without a newline.
/// `offset` comes from capture::time_of_day_offset.
[[nodiscard]] std::string packet_line(const capture::SeenPacket& packet, engine::Verdict verdict,
                                      std::chrono::nanoseconds offset);

}  // namespace sixin4::cli
