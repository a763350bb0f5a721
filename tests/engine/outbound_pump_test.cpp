// The outbound pump between tun and IPv4 side in memory: batches, refusals and counters.
#include "sixin4/engine/outbound_pump.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <vector>

#include <gtest/gtest.h>
#include <tins/tins.h>

#include "memory_ends.hpp"
#include "packets.hpp"

namespace sixin4::engine {
namespace {

using namespace test;

class OutboundPumpTest : public testing::Test {
 protected:
  IoStatus turn() { return pump->turn(parameters, now); }
  void put(std::size_t payload) {
    tun.to_read.push_back({.bytes = packet_of(Udp{.payload = payload_of(payload)})});
  }
  [[nodiscard]] std::uint64_t drops() const {
    std::uint64_t all = 0;
    for (const auto& counter : counters.drops) all += counter.value();
    return all;
  }
  [[nodiscard]] static Octets inner_of(const Octets& outer) { return {outer.begin() + 20, outer.end()}; }

  MemoryTun tun;
  MemoryWire wire;
  DirectionCounters counters;
  TunnelParameters parameters = near_parameters();
  Time now{std::chrono::hours{1}};
  std::unique_ptr<OutboundPump<MemoryTun, MemoryWire>> pump =
      std::make_unique<OutboundPump<MemoryTun, MemoryWire>>(tun, wire, counters);
};

TEST_F(OutboundPumpTest, PacketsOfOneTurnLeaveInOneBatchInOrder) {
  for (const std::size_t payload : {10U, 500U, 1000U}) put(payload);
  EXPECT_EQ(turn(), IoStatus::empty);
  EXPECT_EQ(wire.batches, (std::vector<std::size_t>{3}));
  ASSERT_EQ(wire.sent.size(), 3U);
  EXPECT_EQ(inner_of(wire.sent[0]), packet_of(Udp{.payload = payload_of(10)}));
  EXPECT_EQ(inner_of(wire.sent[1]), packet_of(Udp{.payload = payload_of(500)}));
  EXPECT_EQ(inner_of(wire.sent[2]), packet_of(Udp{.payload = payload_of(1000)}));
  EXPECT_EQ(counters.packets.value(), 3U);
  EXPECT_EQ(counters.bytes.value(), 3U * 48 + 1510);
  EXPECT_EQ(drops(), 0U);
}

TEST_F(OutboundPumpTest, AnEmptyDeviceSendsNothing) {
  EXPECT_EQ(turn(), IoStatus::empty);
  EXPECT_EQ(tun.reads, 1U);
  EXPECT_TRUE(wire.batches.empty());
}

TEST_F(OutboundPumpTest, TheStateOfTheDeviceIsReturned) {
  for (const IoStatus status : {IoStatus::gone, IoStatus::down, IoStatus::error}) {
    put(10);
    tun.when_empty = status;
    EXPECT_EQ(turn(), status);
  }
  EXPECT_EQ(counters.packets.value(), 3U);  // packets read before are still sent
}

TEST_F(OutboundPumpTest, ATurnEndsWithAFullBatchAndTheNextGoesOn) {
  for (std::size_t count = 0; count < 300; ++count) put(count);
  IoStatus status = IoStatus::ok;
  std::size_t turns = 0;
  for (; status == IoStatus::ok && turns < 100; ++turns) status = turn();
  EXPECT_EQ(status, IoStatus::empty);
  EXPECT_EQ(turns, 3U);
  EXPECT_EQ(wire.batches, (std::vector<std::size_t>{128, 128, 44}));
  ASSERT_EQ(wire.sent.size(), 300U);
  for (std::size_t count = 0; count < 300; ++count) {
    EXPECT_EQ(inner_of(wire.sent[count]), packet_of(Udp{.payload = payload_of(count)}));
  }
  EXPECT_EQ(counters.packets.value(), 300U);
}

TEST_F(OutboundPumpTest, AnUnfinishedChecksumLeavesFinished) {
  const Tcp fields{.payload = payload_of(600)};
  tun.to_read.push_back(unfinished(fields));
  turn();
  ASSERT_EQ(wire.sent.size(), 1U);
  EXPECT_EQ(inner_of(wire.sent[0]), packet_of(fields));
}

TEST_F(OutboundPumpTest, AnUnfinishedChecksumOutsideOfThePacketIsCounted) {
  TunFrame frame = unfinished(Tcp{.payload = payload_of(600)});
  frame.offload.checksum_offset = 5000;
  tun.to_read.push_back(frame);
  turn();
  EXPECT_TRUE(wire.sent.empty());
  EXPECT_EQ(counters.dropped(Verdict::malformed), 1U);
}

TEST_F(OutboundPumpTest, ASuperPacketIsFlushedInTheMiddleWhenTheBatchIsFull) {
  for (std::size_t count = 0; count < 100; ++count) put(count);
  const Tcp fields{.flags = tcp_ack | tcp_psh, .timestamps = true, .payload = payload_of(60000)};
  tun.to_read.push_back(super_packet(fields, 300));  // 200 segments
  put(77);
  EXPECT_EQ(turn(), IoStatus::empty);

  EXPECT_EQ(wire.batches, (std::vector<std::size_t>{128, 128, 45}));
  ASSERT_EQ(wire.sent.size(), 301U);
  Octets stream;
  for (std::size_t index = 100; index < 300; ++index) {
    const Octets inner = inner_of(wire.sent[index]);
    EXPECT_EQ(inner, rewritten_by_libtins(inner));
    stream.insert(stream.end(), inner.begin() + 72, inner.end());
  }
  EXPECT_EQ(stream, fields.payload);
  EXPECT_EQ(inner_of(wire.sent[300]), packet_of(Udp{.payload = payload_of(77)}));
  EXPECT_EQ(counters.packets.value(), 301U);
  EXPECT_EQ(counters.bytes.value(), 100U * 48 + 99 * 50 + 200 * 72 + 60000 + 48 + 77);
}

TEST_F(OutboundPumpTest, SuperPacketsBehindOneAnotherStayWhole) {
  std::vector<Octets> payloads;
  for (std::size_t count = 0; count < 5; ++count) {
    payloads.push_back(payload_of(65000 + count));
    tun.to_read.push_back(super_packet(Tcp{.payload = payloads.back()}, 1420));
  }
  for (int turns = 0; turns < 10 && turn() == IoStatus::ok; ++turns) {
  }
  Octets stream;
  Octets expected;
  for (const Octets& outer : wire.sent) stream.insert(stream.end(), outer.begin() + 80, outer.end());
  for (const Octets& payload : payloads) expected.insert(expected.end(), payload.begin(), payload.end());
  EXPECT_EQ(stream, expected);
}

TEST_F(OutboundPumpTest, LongHeadersFlushTheBatchBeforeItsMemoryIsFull) {
  const Tcp fields{.payload = payload_of(20000),
                   .extensions = std::vector<Extension>(4, options_extension(60, 32))};
  parameters.mtu = 2000;
  tun.to_read.push_back(super_packet(fields, 200));  // 100 segments with headers of 1084 bytes
  turn();
  ASSERT_EQ(wire.sent.size(), 100U);
  Octets stream;
  for (const Octets& outer : wire.sent) {
    const Octets inner = inner_of(outer);
    EXPECT_EQ(inner, rewritten_by_libtins(inner));
    stream.insert(stream.end(), inner.begin() + 1084, inner.end());
  }
  EXPECT_EQ(stream, fields.payload);
}

TEST_F(OutboundPumpTest, APacketThatTheWireHasNoRoomForIsCountedAndTheRestGoesOn) {
  for (std::size_t count = 0; count < 10; ++count) put(count);
  wire.send_results = {{.sent = 4, .status = IoStatus::full}, {.sent = 2, .status = IoStatus::error}};
  turn();
  EXPECT_EQ(wire.batches, (std::vector<std::size_t>{10, 5, 2}));
  EXPECT_EQ(counters.packets.value(), 8U);
  EXPECT_EQ(counters.dropped(Verdict::wire_full), 1U);
  EXPECT_EQ(counters.dropped(Verdict::wire_error), 1U);
  EXPECT_EQ(drops(), 2U);
  EXPECT_EQ(counters.bytes.value(), 8U * 48 + 45 - 4 - 7);
  EXPECT_EQ(inner_of(wire.sent.at(4)), packet_of(Udp{.payload = payload_of(5)}));
  EXPECT_EQ(inner_of(wire.sent.at(6)), packet_of(Udp{.payload = payload_of(8)}));
}

TEST_F(OutboundPumpTest, ASendThatStopsWithoutARefusalIsContinued) {
  for (std::size_t count = 0; count < 10; ++count) put(count);
  wire.send_results = {{.sent = 3, .status = IoStatus::ok}, {.sent = 6, .status = IoStatus::ok}};
  turn();
  EXPECT_EQ(wire.batches, (std::vector<std::size_t>{10, 7, 1}));
  EXPECT_EQ(counters.packets.value(), 10U);
  EXPECT_EQ(drops(), 0U);
}

TEST_F(OutboundPumpTest, AWireThatRefusesEverythingLosesEveryPacketOnce) {
  for (std::size_t count = 0; count < 10; ++count) put(count);
  wire.send_results = std::deque<SendResult>(10, {.sent = 0, .status = IoStatus::error});
  turn();
  EXPECT_EQ(counters.packets.value(), 0U);
  EXPECT_EQ(counters.bytes.value(), 0U);
  EXPECT_EQ(counters.dropped(Verdict::wire_error), 10U);
  put(3);
  turn();
  EXPECT_EQ(counters.packets.value(), 1U);
}

TEST_F(OutboundPumpTest, AFragmentedPacketCountsOnce) {
  parameters.link_mtu = 576;
  put(1400);
  turn();
  EXPECT_EQ(wire.sent.size(), 3U);
  EXPECT_EQ(counters.packets.value(), 1U);
  EXPECT_EQ(counters.bytes.value(), 1448U);
}

// A packet that lost a fragment counts as one drop.
TEST_F(OutboundPumpTest, APacketThatLostAFragmentIsCountedAsDroppedOnly) {
  parameters.link_mtu = 576;
  for (const std::size_t refused : {0U, 1U, 2U}) {
    DirectionCounters fresh;
    OutboundPump<MemoryTun, MemoryWire> other(tun, wire, fresh);
    put(1400);
    wire.send_results = {{.sent = refused, .status = IoStatus::full}};
    other.turn(parameters, now);
    EXPECT_EQ(fresh.packets.value(), 0U) << refused;
    EXPECT_EQ(fresh.bytes.value(), 0U) << refused;
    EXPECT_EQ(fresh.dropped(Verdict::wire_full), 1U) << refused;
  }
}

// The fragments of a lost packet in the next batch are dropped.
TEST_F(OutboundPumpTest, ALostFragmentLosesItsPacketBeyondTheBatchToo) {
  parameters.link_mtu = 68;
  for (std::size_t count = 0; count < 6; ++count) put(1232 + count);  // 27 fragments each, in batches of 128
  wire.send_results = {{.sent = 110, .status = IoStatus::error}};  // the third fragment of the fifth packet
  turn();
  EXPECT_EQ(wire.batches, (std::vector<std::size_t>{128, 27}));
  Reassembler far;
  for (const Octets& fragment : wire.sent) far.add(fragment);
  ASSERT_EQ(far.whole().size(), 5U);
  EXPECT_EQ(far.whole()[3], packet_of(Udp{.payload = payload_of(1235)}));
  EXPECT_EQ(far.whole()[4], packet_of(Udp{.payload = payload_of(1237)}));
  EXPECT_EQ(counters.packets.value(), 5U);
  EXPECT_EQ(counters.dropped(Verdict::wire_error), 1U);
  EXPECT_EQ(drops(), 1U);
}

TEST_F(OutboundPumpTest, EveryRefusalIsCountedUnderItsOwnReason) {
  const Octets inner = packet_of(Udp{.payload = payload_of(20)});
  tun.to_read.push_back({.bytes = Octets(40, 0x11)});
  tun.to_read.push_back({.bytes = Octets(30, 0x60)});
  tun.to_read.push_back(
      {.bytes = outer_packet(inner, {.source = "192.0.2.1", .destination = "198.51.100.2"})});
  put(2000);
  put(20);
  turn();
  for (const Verdict reason : {Verdict::not_ipv6, Verdict::malformed, Verdict::loop, Verdict::too_big}) {
    EXPECT_EQ(counters.dropped(reason), 1U) << name_of(reason);
  }
  EXPECT_EQ(drops(), 4U);
  EXPECT_EQ(counters.packets.value(), 1U);
}

// RFC 4213 §3.2.1: Packet Too Big with the tunnel MTU.
TEST_F(OutboundPumpTest, APacketThatIsTooBigIsAnsweredThroughTheDevice) {
  parameters.mtu = 1400;
  put(1400);
  turn();
  EXPECT_TRUE(wire.sent.empty());
  ASSERT_EQ(tun.written.size(), 1U);
  const Octets& answer = tun.written[0].bytes;
  EXPECT_EQ(tun.written[0].offload, wire::VnetHeader{});
  const Tins::IPv6 parsed(answer.data(), static_cast<std::uint32_t>(answer.size()));
  EXPECT_EQ(parsed.src_addr(), Tins::IPv6Address("fe80::c000:201"));
  EXPECT_EQ(parsed.dst_addr(), Tins::IPv6Address(near_host));
  EXPECT_EQ(parsed.rfind_pdu<Tins::ICMPv6>().type(), Tins::ICMPv6::PACKET_TOOBIG);
  EXPECT_EQ(parsed.rfind_pdu<Tins::ICMPv6>().code(), 0);
  EXPECT_EQ(word_at(answer, 44) * 65536U + word_at(answer, 46), 1400U);
  EXPECT_EQ(answer, rewritten_by_libtins(answer));
  EXPECT_EQ(counters.packets.value(), 0U);
}

TEST_F(OutboundPumpTest, ASourceThatIsNotOursIsAnsweredWithFailedPolicy) {
  const Octets packet = packet_of(Udp{.payload = payload_of(10), .source = far_host});
  tun.to_read.push_back({.bytes = packet});
  EXPECT_EQ(turn(), IoStatus::empty);
  EXPECT_TRUE(wire.sent.empty());
  EXPECT_EQ(counters.dropped(Verdict::source_not_ours), 1U);
  EXPECT_EQ(counters.icmp_errors.value(), 1U);
  ASSERT_EQ(tun.written.size(), 1U);
  const Octets& error = tun.written.front().bytes;
  const Tins::IPv6 parsed(error.data(), static_cast<std::uint32_t>(error.size()));
  EXPECT_EQ(parsed.dst_addr(), Tins::IPv6Address(far_host));
  EXPECT_EQ(parsed.rfind_pdu<Tins::ICMPv6>().type(), Tins::ICMPv6::DEST_UNREACHABLE);
  EXPECT_EQ(parsed.rfind_pdu<Tins::ICMPv6>().code(), 5);
}

TEST_F(OutboundPumpTest, WithoutAnIpv4PathNothingIsSentAndSendersAreTold) {
  parameters.no_path = true;
  const Octets packet = packet_of(Udp{.payload = payload_of(100)});
  tun.to_read.push_back({.bytes = packet});
  turn();
  EXPECT_TRUE(wire.sent.empty());
  EXPECT_EQ(counters.packets.value(), 0U);
  EXPECT_EQ(counters.dropped(Verdict::wire_error), 1U);
  ASSERT_EQ(tun.written.size(), 1U);
  const Octets& answer = tun.written.front().bytes;
  const Tins::IPv6 error(answer.data(), static_cast<std::uint32_t>(answer.size()));
  EXPECT_EQ(error.rfind_pdu<Tins::ICMPv6>().type(), Tins::ICMPv6::DEST_UNREACHABLE);
  EXPECT_EQ(error.rfind_pdu<Tins::ICMPv6>().code(), 3);
  parameters.no_path = false;
  put(3);
  turn();
  EXPECT_EQ(wire.sent.size(), 1U);
}

TEST_F(OutboundPumpTest, ASuperPacketOfSegmentsThatAreTooBigIsAnsweredOnce) {
  tun.to_read.push_back(super_packet(Tcp{.payload = payload_of(60000)}, 1440));
  turn();
  EXPECT_TRUE(wire.sent.empty());
  EXPECT_EQ(tun.written.size(), 1U);
  EXPECT_EQ(counters.dropped(Verdict::too_big), 1U);
}

TEST_F(OutboundPumpTest, AnAnswerThatTheDeviceRefusesIsForgotten) {
  tun.write_statuses = {IoStatus::full};
  put(2000);
  put(20);
  EXPECT_EQ(turn(), IoStatus::empty);
  EXPECT_EQ(counters.dropped(Verdict::too_big), 1U);
  EXPECT_EQ(counters.packets.value(), 1U);
}

TEST_F(OutboundPumpTest, NoErrorAnswersAnError) {
  const Octets error = serialized(near_host, far_host, 0,
                                  Tins::ICMPv6(Tins::ICMPv6::TIME_EXCEEDED) / Tins::RawPDU(payload_of(2000)));
  tun.to_read.push_back({.bytes = error});
  turn();
  EXPECT_EQ(counters.dropped(Verdict::too_big), 1U);
  EXPECT_TRUE(tun.written.empty());
}

// RFC 4443 §2.4 (f)
TEST_F(OutboundPumpTest, AnswersAreRateLimitedAndDropsAreNot) {
  for (std::size_t count = 0; count < 1000; ++count) put(2000);
  while (turn() == IoStatus::ok) {
  }
  const std::size_t burst = tun.written.size();
  EXPECT_GE(burst, 1U);
  EXPECT_LE(burst, 200U);
  EXPECT_EQ(counters.dropped(Verdict::too_big), 1000U);

  now += std::chrono::milliseconds{500};
  for (std::size_t count = 0; count < 1000; ++count) put(2000);
  while (turn() == IoStatus::ok) {
  }
  EXPECT_GT(tun.written.size(), burst);
  EXPECT_LT(tun.written.size(), 2 * burst);
}

}  // namespace
}  // namespace sixin4::engine
