// Offload data that a device or socket refuses: what is written or sent instead, and when it is not tried
// again.
#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include <gtest/gtest.h>
#include <tins/tins.h>

#include "sixin4/engine/inbound_pump.hpp"
#include "sixin4/engine/outbound_pump.hpp"

#include "memory_ends.hpp"
#include "packets.hpp"

namespace sixin4::engine {
namespace {

using namespace test;

/// The device gets complete packets.
void expect_complete(const std::vector<TunFrame>& frames) {
  for (const TunFrame& frame : frames) {
    EXPECT_EQ(frame.offload, wire::VnetHeader{});
    EXPECT_EQ(frame.bytes, rewritten_by_libtins(frame.bytes));
  }
}

class RefusedByTun : public testing::Test {
 protected:
  /// Segments of one stream from the far end, the last with PSH.
  std::vector<Octets> segments(std::size_t count, std::size_t last = 1000) {
    std::vector<Octets> packets;
    for (std::size_t i = 0; i < count; ++i) {
      const bool ends = i + 1 == count;
      packets.push_back(packet_of(Tcp{.sequence = sequence,
                                      .flags = static_cast<std::uint8_t>(ends ? tcp_ack | tcp_psh : tcp_ack),
                                      .payload = payload_of(ends ? last : 1000),
                                      .source = far_host,
                                      .destination = near_host}));
      sequence += 1000;
    }
    return packets;
  }
  static std::vector<Octets> datagrams(std::size_t count) {
    return {count, packet_of(Udp{.payload = payload_of(1001), .source = far_host, .destination = near_host})};
  }
  void arrive(const std::vector<Octets>& packets) {
    for (const Octets& packet : packets) wire.to_receive.push_back(outer_packet(packet));
    EXPECT_EQ(pump->turn(parameters, now), IoStatus::ok);
  }
  [[nodiscard]] std::vector<Octets> written() const {
    std::vector<Octets> packets;
    for (const TunFrame& frame : tun.written) packets.push_back(frame.bytes);
    return packets;
  }
  [[nodiscard]] std::uint64_t drops() const {
    std::uint64_t all = 0;
    for (const auto& counter : counters.drops) all += counter.value();
    return all;
  }

  std::uint32_t sequence = 1000;
  MemoryWire wire;
  MemoryTun tun;
  DirectionCounters counters;
  LastTime last_heard;
  TunnelParameters parameters = near_parameters();
  Time now{std::chrono::hours{1}};
  std::unique_ptr<InboundPump<MemoryWire, MemoryTun>> pump =
      std::make_unique<InboundPump<MemoryWire, MemoryTun>>(wire, tun, counters, last_heard);
};

TEST_F(RefusedByTun, ARunOfSegmentsIsWrittenAsTheSegmentsThatCame) {
  tun.refuses = {Offload::tcp};
  const auto came = segments(5, 300);
  arrive(came);
  EXPECT_EQ(tun.refusals, 1U);
  EXPECT_EQ(written(), came);
  expect_complete(tun.written);
  EXPECT_EQ(counters.packets.value(), 5U);
  EXPECT_EQ(counters.bytes.value(), 4300U + 5 * 60);
  EXPECT_EQ(drops(), 0U);
}

TEST_F(RefusedByTun, ARunOfDatagramsIsWrittenAsTheDatagramsThatCame) {
  tun.refuses = {Offload::udp};
  const auto came = datagrams(7);
  arrive(came);
  EXPECT_EQ(tun.refusals, 1U);
  EXPECT_EQ(written(), came);
  EXPECT_EQ(counters.packets.value(), 7U);
  EXPECT_EQ(drops(), 0U);
}

TEST_F(RefusedByTun, MergedSegmentsAreWrittenAsSegmentsThatPassEveryLink) {
  tun.refuses = {Offload::tcp};
  const Tcp fields{.payload = payload_of(14200), .source = far_host, .destination = near_host};
  arrive({unfinished(fields).bytes});
  Octets stream;
  for (const TunFrame& frame : tun.written) {
    EXPECT_LE(frame.bytes.size(), 1280U);
    stream.insert(stream.end(), frame.bytes.begin() + 60, frame.bytes.end());
  }
  expect_complete(tun.written);
  EXPECT_EQ(stream, fields.payload);
  // As on the wire: full packets of the tunnel MTU.
  EXPECT_EQ(counters.packets.value(), 10U);
  EXPECT_EQ(counters.bytes.value(), 14200U + 10 * 60);
}

TEST_F(RefusedByTun, SegmentsThatAreJoinedToMergedOnesAreNotLost) {
  tun.refuses = {Offload::tcp};
  const Tcp merged{
      .sequence = sequence, .payload = payload_of(3001), .source = far_host, .destination = near_host};
  sequence += 3001;
  auto came = segments(3, 77);
  came.insert(came.begin(), unfinished(merged).bytes);
  arrive(came);
  EXPECT_EQ(tun.refusals, 1U);
  Octets stream;
  std::uint32_t next = merged.sequence;
  for (const TunFrame& frame : tun.written) {
    const Tins::IPv6 parsed(frame.bytes.data(), static_cast<std::uint32_t>(frame.bytes.size()));
    EXPECT_EQ(parsed.rfind_pdu<Tins::TCP>().seq(), next);
    next += static_cast<std::uint32_t>(frame.bytes.size() - 60);
    stream.insert(stream.end(), frame.bytes.begin() + 60, frame.bytes.end());
  }
  expect_complete(tun.written);
  Octets expected = merged.payload;
  for (std::size_t i = 1; i < came.size(); ++i)
    expected.insert(expected.end(), came[i].begin() + 60, came[i].end());
  EXPECT_EQ(stream, expected);
}

TEST_F(RefusedByTun, AfterAFewRefusalsOfAKindItIsNotTriedAgainAndTheOtherKindIs) {
  tun.refuses = {Offload::tcp};
  std::vector<Octets> came;
  for (int turn = 0; turn < 10; ++turn) {
    const auto packets = segments(4);
    came.insert(came.end(), packets.begin(), packets.end());
    arrive(packets);
    EXPECT_EQ(counters.gave_up(Offload::tcp), turn >= 3);
  }
  arrive({unfinished(Tcp{.payload = payload_of(5000), .source = far_host, .destination = near_host}).bytes});
  EXPECT_EQ(tun.refusals, 4U);
  const auto so_far = written();
  EXPECT_EQ(std::vector<Octets>(so_far.begin(), so_far.begin() + 40), came);
  expect_complete(tun.written);

  tun.written.clear();
  arrive(datagrams(5));
  ASSERT_EQ(tun.written.size(), 1U);
  EXPECT_EQ(tun.written[0].offload.gso, wire::Gso::udp);
  EXPECT_FALSE(counters.gave_up(Offload::udp));
  EXPECT_EQ(drops(), 0U);
}

TEST_F(RefusedByTun, AnUnfinishedChecksumIsFinishedInItsPlace) {
  tun.refuses = {Offload::checksum};
  const Tcp fields{.payload = payload_of(901), .source = far_host, .destination = near_host};
  for (int count = 0; count < 6; ++count) arrive({unfinished(fields).bytes});
  EXPECT_EQ(written(), std::vector<Octets>(6, packet_of(fields)));
  expect_complete(tun.written);
  EXPECT_EQ(tun.refusals, 4U);
  EXPECT_EQ(counters.packets.value(), 6U);
}

// Without IFF_VNET_HDR the device takes no offload data.
TEST_F(RefusedByTun, ADeviceThatTakesNoOffloadDataIsGivenNone) {
  tun.lacks = {Offload::checksum, Offload::tcp, Offload::udp};
  pump = std::make_unique<InboundPump<MemoryWire, MemoryTun>>(wire, tun, counters, last_heard);
  std::vector<Octets> came = segments(5);
  for (const Octets& datagram : datagrams(3)) came.push_back(datagram);
  arrive(came);
  EXPECT_EQ(written(), came);
  tun.written.clear();
  arrive({unfinished(Tcp{.payload = payload_of(700), .source = far_host, .destination = near_host}).bytes,
          unfinished(Tcp{.payload = payload_of(7000), .source = far_host, .destination = near_host}).bytes});
  EXPECT_EQ(tun.written.size(), 1U + 6);
  expect_complete(tun.written);
  EXPECT_EQ(tun.refusals, 0U);
  EXPECT_EQ(drops(), 0U);
}

TEST_F(RefusedByTun, SegmentsThatFindNoRoomCountEachForItself) {
  tun.refuses = {Offload::tcp};
  tun.write_statuses = {IoStatus::ok, IoStatus::full, IoStatus::error};
  const auto came = segments(4);
  arrive(came);
  EXPECT_EQ(written(), (std::vector<Octets>{came[0], came[3]}));
  EXPECT_EQ(counters.packets.value(), 2U);
  EXPECT_EQ(counters.bytes.value(), 2 * 1060U);
  EXPECT_EQ(counters.dropped(Verdict::tun_full), 1U);
  EXPECT_EQ(counters.dropped(Verdict::tun_error), 1U);
}

TEST_F(RefusedByTun, ADeviceThatGoesAmongTheSegmentsIsTold) {
  tun.refuses = {Offload::tcp};
  tun.write_statuses = {IoStatus::ok, IoStatus::gone};
  for (const Octets& packet : segments(4)) wire.to_receive.push_back(outer_packet(packet));
  EXPECT_EQ(pump->turn(parameters, now), IoStatus::gone);
  EXPECT_EQ(tun.written.size(), 1U);
}

class RefusedByWire : public testing::Test {
 protected:
  void leave(const std::vector<TunFrame>& frames) {
    tun.to_read.assign(frames.begin(), frames.end());
    while (pump->turn(parameters, now) == IoStatus::ok) {
    }
  }
  /// The packets sent if no link finishes checksums.
  std::vector<Octets> left_to_nobody(const std::vector<TunFrame>& frames) {
    MemoryTun other_tun;
    MemoryWire other_wire;
    DirectionCounters ignored;
    other_tun.to_read.assign(frames.begin(), frames.end());
    const auto other = std::make_unique<OutboundPump<MemoryTun, MemoryWire>>(other_tun, other_wire, ignored);
    while (other->turn(parameters, now) == IoStatus::ok) {
    }
    return other_wire.sent;
  }

  MemoryTun tun;
  MemoryWire wire;
  DirectionCounters counters;
  TunnelParameters parameters = near_parameters();
  Time now{std::chrono::hours{1}};
  std::unique_ptr<OutboundPump<MemoryTun, MemoryWire>> pump =
      std::make_unique<OutboundPump<MemoryTun, MemoryWire>>(tun, wire, counters);
};

TEST_F(RefusedByWire, PacketsLeaveWithChecksumsThatAreFinishedOneByOne) {
  wire.finishing = wire.refuses_unfinished = true;
  parameters.dont_fragment = true;  // for equal identifications
  const std::vector<TunFrame> frames{
      unfinished(Tcp{.payload = payload_of(701)}),
      {.bytes = packet_of(Udp{.payload = payload_of(300)})},
      super_packet(Tcp{.timestamps = true, .payload = payload_of(60000)}, 1300),
      unfinished(Udp{.payload = payload_of(0)}),
      super_packet(Udp{.payload = payload_of(60001)}, 1200),
  };
  leave(frames);
  EXPECT_EQ(wire.sent, left_to_nobody(frames));
  for (const UnfinishedChecksum& checksum : wire.unfinished_sent) EXPECT_EQ(checksum, UnfinishedChecksum{});
  EXPECT_EQ(counters.packets.value(), wire.sent.size());
  EXPECT_EQ(counters.dropped(Verdict::wire_error), 0U);
  EXPECT_TRUE(counters.gave_up(Offload::checksum));
}

TEST_F(RefusedByWire, AfterAFewRefusalsTheLinkIsAskedForNothing) {
  wire.finishing = wire.refuses_unfinished = true;
  for (int turn = 0; turn < 10; ++turn) leave({unfinished(Tcp{.payload = payload_of(701)})});
  EXPECT_EQ(wire.refusals, 4U);
  EXPECT_EQ(wire.sent.size(), 10U);
  for (const Octets& packet : wire.sent) {
    const Octets inner(packet.begin() + 20, packet.end());
    EXPECT_EQ(inner, packet_of(Tcp{.payload = payload_of(701)}));
  }
}

TEST_F(RefusedByWire, APacketThatIsRefusedAlsoWithAFinishedChecksumIsCounted) {
  wire.finishing = true;
  wire.send_results = {{.sent = 0, .status = IoStatus::refused}, {.sent = 0, .status = IoStatus::full}};
  leave({unfinished(Tcp{.payload = payload_of(700)}), unfinished(Tcp{.payload = payload_of(100)})});
  EXPECT_EQ(counters.dropped(Verdict::wire_full), 1U);
  EXPECT_EQ(counters.packets.value(), 1U);
  EXPECT_EQ(wire.sent.size(), 1U);
}

// An impossible status must not cause an endless loop.
TEST_F(RefusedByWire, ACompletePacketThatIsRefusedIsAnError) {
  wire.send_results = {{.sent = 0, .status = IoStatus::refused}};
  leave({{.bytes = packet_of(Udp{.payload = payload_of(300)})}});
  EXPECT_EQ(counters.dropped(Verdict::wire_error), 1U);
  EXPECT_FALSE(counters.gave_up(Offload::checksum));
}

}  // namespace
}  // namespace sixin4::engine
