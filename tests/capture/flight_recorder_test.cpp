// What the flight recorder has on its way to another program, and the memory it goes in.
#include "flight_recorder.hpp"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include "sixin4/capture/ring.hpp"

#include "../engine/packets.hpp"
#include "packet_line.hpp"
#include "ring_memory.hpp"

namespace sixin4 {
namespace {

using namespace test;

TEST(FlightRecorder, AllOfItArrives) {
  const engine::Time now{std::chrono::hours{1}};
  capture::Recorder recorder{4096};
  recorder.begin(now);
  for (engine::PacketId id = 0; id < 3000; ++id) recorder.from_tun(id, payload_of(id % 1500));
  recorder.refused(2999, engine::Verdict::too_big);
  const RingMemory memory{ring_of(recorder.packets())};
  capture::RingReader reader{memory.bytes()};
  for (engine::PacketId id = 0; id < 3000; ++id) {
    const auto seen = reader.next();
    ASSERT_TRUE(seen) << id;
    EXPECT_EQ(seen->id, id);
    EXPECT_EQ(seen->time, now);
    EXPECT_EQ(seen->length, id % 1500) << "that of the whole packet";
    Octets expected = payload_of(id % 1500);
    expected.resize(std::min<std::size_t>(expected.size(), 96));
    ASSERT_EQ(octets_of(seen->bytes), expected);
    EXPECT_EQ(seen->verdict, id == 2999 ? engine::Verdict::too_big : engine::Verdict::pass);
  }
  EXPECT_FALSE(reader.next());
  EXPECT_EQ(reader.lost(capture::Form::inner), 0U);
}

TEST(FlightRecorder, NothingArrivesWhereThereIsNothing) {
  const RingMemory memory{ring_of({})};
  EXPECT_FALSE(capture::RingReader{memory.bytes()}.next());
}

TEST(RingMemory, CannotBeTakenAwayFromUnderTheWorker) {
  RingMemory memory{8192};
  const io::FileDescriptor descriptor = memory.take_descriptor();
  EXPECT_NE(::ftruncate(descriptor.get(), 0), 0);
  EXPECT_NE(::ftruncate(descriptor.get(), 16384), 0);
  memory.bytes()[8191] = 1;
  const RingMemory other{io::FileDescriptor{::dup(descriptor.get())}};
  EXPECT_EQ(other.bytes().size(), 8192U);
  EXPECT_EQ(other.bytes()[8191], 1U);
}

TEST(PacketLine, TellsTimeDirectionPacketAndReason) {
  const Octets packet =
      packet_of(Udp{.payload = payload_of(10), .source = near_host, .destination = far_host});
  const capture::SeenPacket seen{.time = engine::Time{std::chrono::nanoseconds{1'000'001'999}},
                                 .outward = true,
                                 .length = 58,
                                 .bytes = packet};
  const std::string line = packet_line(seen, engine::Verdict::too_big, std::chrono::nanoseconds{0});
  EXPECT_EQ(line.substr(5), ":01.000001 out " + line.substr(20));
  EXPECT_NE(line.find("IP6 2001:db8:1::a."), std::string::npos) << line;
  EXPECT_TRUE(line.ends_with(", drop: too-big")) << line;
  EXPECT_EQ(packet_line(seen, engine::Verdict::pass, {}).find("drop"), std::string::npos);
}

}  // namespace
}  // namespace sixin4
