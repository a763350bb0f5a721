#include "packet_line.hpp"

#include "sixin4/capture/pcapng_blocks.hpp"

#include "packet_text.hpp"

namespace sixin4 {

std::string packet_line(const capture::SeenPacket& packet, engine::Verdict verdict,
                        std::chrono::nanoseconds offset) {
  const std::chrono::nanoseconds time{capture::time_of_day_ns(packet.time, offset)};
  std::string line = time_text(time) + (packet.outward ? " out " : " in  ");
  line += describe_packet(packet.bytes, packet.length);
  if (verdict != engine::Verdict::pass) line.append(", drop: ").append(engine::name_of(verdict));
  return line;
}

}  // namespace sixin4
