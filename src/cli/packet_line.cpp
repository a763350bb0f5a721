#include "packet_line.hpp"

#include "sixin4/capture/pcapng_blocks.hpp"
#include "sixin4/dissect/packet_text.hpp"

namespace sixin4::cli {

std::string packet_line(const capture::SeenPacket& packet, engine::Verdict verdict,
                        std::chrono::nanoseconds offset) {
  const std::chrono::nanoseconds time{capture::time_of_day_ns(packet.time, offset)};
  std::string line =
      dissect::time_text(time) + (packet.direction == engine::Direction::out ? " out " : " in  ");
  line += dissect::describe_packet(packet.bytes, packet.length);
  if (verdict != engine::Verdict::pass) line += ", " + capture::drop_text(verdict);
  return line;
}

}  // namespace sixin4::cli
