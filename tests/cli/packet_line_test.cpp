// The line that `capture` prints for a packet.
#include "packet_line.hpp"

#include <chrono>
#include <string>

#include <gtest/gtest.h>

#include "../engine/packets.hpp"

namespace sixin4::cli::testing {
namespace {

using namespace test;

TEST(PacketLine, TellsTimeDirectionPacketAndReason) {
  const Octets packet =
      packet_of(Udp{.payload = payload_of(10), .source = near_host, .destination = far_host});
  const capture::SeenPacket seen{.time = engine::Time{std::chrono::nanoseconds{1'000'001'999}},
                                 .direction = engine::Direction::out,
                                 .length = 58,
                                 .bytes = packet};
  const std::string line = packet_line(seen, engine::Verdict::too_big, std::chrono::nanoseconds{0});
  EXPECT_EQ(line.substr(5), ":01.000001 out " + line.substr(20));
  EXPECT_NE(line.find("IP6 2001:db8:1::a."), std::string::npos) << line;
  EXPECT_TRUE(line.ends_with(", drop: too-big")) << line;
  EXPECT_EQ(packet_line(seen, engine::Verdict::pass, {}).find("drop"), std::string::npos);
}

}  // namespace
}  // namespace sixin4::cli::testing
