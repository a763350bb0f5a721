#include "packet_line.hpp"

#include <array>
#include <cstdint>
#include <cstdio>
#include <ctime>

#include "sixin4/capture/pcapng_blocks.hpp"

#include "packet_text.hpp"

namespace sixin4 {

std::string packet_line(const capture::SeenPacket& packet, engine::Verdict verdict,
                        std::chrono::nanoseconds offset) {
  constexpr std::uint64_t second = std::nano::den;
  const std::uint64_t time = capture::time_of_day_ns(packet.time, offset);
  const auto seconds = static_cast<std::time_t>(time / second);
  std::tm local{};
  ::localtime_r(&seconds, &local);
  std::array<char, 32> stamp{};
  const std::size_t used = std::strftime(stamp.data(), stamp.size(), "%H:%M:%S", &local);
  (void)std::snprintf(stamp.data() + used, stamp.size() - used, ".%09u",
                      static_cast<unsigned>(time % second));
  std::string line = stamp.data() + std::string{packet.outward ? " out " : " in  "};
  line += describe_packet(packet.bytes);
  if (verdict != engine::Verdict::pass) line.append(", drop: ").append(engine::name_of(verdict));
  return line;
}

}  // namespace sixin4
