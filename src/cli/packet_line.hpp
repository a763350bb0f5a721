// A packet that was seen at a tunnel's end as one line.
#pragma once

#include <chrono>
#include <string>

#include "sixin4/capture/seen_packet.hpp"
#include "sixin4/engine/verdict.hpp"

namespace sixin4::cli {

/// `12:00:00.123456 out IP6 …`, and at its end why it was dropped where it was; without a newline.
/// `offset` is that of capture::time_of_day_offset.
[[nodiscard]] std::string packet_line(const capture::SeenPacket& packet, engine::Verdict verdict,
                                      std::chrono::nanoseconds offset);

}  // namespace sixin4::cli
