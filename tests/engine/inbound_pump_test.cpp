// The inbound pump between IPv4 side and tun in memory: batches, refusals and counters.
#include "sixin4/engine/inbound_pump.hpp"

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <utility>

#include <gtest/gtest.h>
#include <tins/tins.h>

#include "memory_ends.hpp"
#include "packets.hpp"

namespace sixin4::engine {
namespace {

using namespace test;

Octets inner_packet(std::size_t payload) {
  return packet_of(Udp{.payload = payload_of(payload), .source = far_host, .destination = near_host});
}

class InboundPumpTest : public testing::Test {
 protected:
  IoStatus turn() { return pump.turn(parameters, now); }
  [[nodiscard]] std::uint64_t drops() const {
    std::uint64_t all = 0;
    for (const auto& counter : counters.drops) all += counter.value();
    return all;
  }

  MemoryWire wire;
  MemoryTun tun;
  DirectionCounters counters;
  LastTime last_heard;
  TunnelParameters parameters = near_parameters();
  Time now{std::chrono::hours{1}};
  InboundPump<MemoryWire, MemoryTun> pump{wire, tun, counters, last_heard};
};

TEST_F(InboundPumpTest, PacketsReachTheDeviceInOrder) {
  for (const std::size_t payload : {10U, 500U, 1000U})
    wire.to_receive.push_back(outer_packet(inner_packet(payload)));
  EXPECT_EQ(turn(), IoStatus::ok);
  ASSERT_EQ(tun.written.size(), 3U);
  EXPECT_EQ(tun.written[0].bytes, inner_packet(10));
  EXPECT_EQ(tun.written[1].bytes, inner_packet(500));
  EXPECT_EQ(tun.written[2].bytes, inner_packet(1000));
  EXPECT_EQ(counters.packets.value(), 3U);
  EXPECT_EQ(counters.bytes.value(), 3U * 48 + 1510);
  EXPECT_EQ(drops(), 0U);
}

TEST_F(InboundPumpTest, OneTurnIsOneBatch) {
  for (std::size_t count = 0; count < 100; ++count)
    wire.to_receive.push_back(outer_packet(inner_packet(count)));
  EXPECT_EQ(turn(), IoStatus::ok);
  EXPECT_EQ(tun.written.size(), 64U);
  EXPECT_EQ(turn(), IoStatus::ok);
  EXPECT_EQ(tun.written.size(), 100U);
  EXPECT_EQ(turn(), IoStatus::empty);
}

TEST_F(InboundPumpTest, TheStateOfTheWireIsReturned) {
  EXPECT_EQ(turn(), IoStatus::empty);
  wire.after_receive = IoStatus::error;
  wire.to_receive.push_back(outer_packet(inner_packet(1)));
  EXPECT_EQ(turn(), IoStatus::error);
  EXPECT_EQ(tun.written.size(), 1U);
}

TEST_F(InboundPumpTest, ARefusalOfTheDeviceIsCountedUnderItsReasonAndTheRestGoesOn) {
  for (std::size_t count = 0; count < 7; ++count)
    wire.to_receive.push_back(outer_packet(inner_packet(count)));
  tun.write_statuses = {IoStatus::ok,   IoStatus::full, IoStatus::down,
                        IoStatus::down, IoStatus::ok,   IoStatus::error};
  EXPECT_EQ(turn(), IoStatus::ok);
  EXPECT_EQ(counters.dropped(Verdict::tun_full), 1U);
  EXPECT_EQ(counters.dropped(Verdict::tun_down), 2U);
  EXPECT_EQ(counters.dropped(Verdict::tun_error), 1U);
  EXPECT_EQ(drops(), 4U);
  EXPECT_EQ(counters.packets.value(), 3U);
  EXPECT_EQ(counters.bytes.value(), 3U * 48 + 0 + 4 + 6);
  ASSERT_EQ(tun.written.size(), 3U);
  EXPECT_EQ(tun.written[1].bytes, inner_packet(4));
}

TEST_F(InboundPumpTest, ADeviceThatIsGoneIsToldAtOnce) {
  for (std::size_t count = 0; count < 5; ++count)
    wire.to_receive.push_back(outer_packet(inner_packet(count)));
  tun.write_statuses = {IoStatus::ok, IoStatus::gone};
  EXPECT_EQ(turn(), IoStatus::gone);
  EXPECT_EQ(tun.written.size(), 1U);
  EXPECT_EQ(counters.packets.value(), 1U);
}

TEST_F(InboundPumpTest, EveryRefusalIsCountedUnderItsOwnReason) {
  const Octets inner = inner_packet(10);
  const auto from = [](const char* source) {
    return outer_packet(packet_of(Udp{.payload = payload_of(5), .source = source, .destination = near_host}));
  };
  const std::array refused{
      std::pair{outer_packet(inner, {.protocol = 17}), Verdict::outer_malformed},
      std::pair{outer_packet(inner, {.source = "203.0.113.9"}), Verdict::outer_source_mismatch},
      std::pair{outer_packet(inner, {.destination = "203.0.113.9"}), Verdict::outer_destination_mismatch},
      std::pair{outer_packet(payload_of(60)), Verdict::inner_malformed},
      std::pair{from("::1"), Verdict::inner_source_invalid},
      std::pair{from("2001:db8:1::1"), Verdict::inner_source_ours},
      std::pair{outer_packet(inner, {.tos = 3}), Verdict::ecn_invalid},
  };
  for (const auto& [datagram, reason] : refused) {
    wire.to_receive.push_back(datagram);
    turn();
    EXPECT_EQ(counters.dropped(reason), 1U) << name_of(reason);
  }
  EXPECT_EQ(drops(), refused.size());
  EXPECT_TRUE(tun.written.empty());
  EXPECT_EQ(counters.packets.value(), 0U);
}

TEST_F(InboundPumpTest, WhatTheKernelHadNoRoomForIsCounted) {
  wire.lost = 7;
  wire.to_receive.push_back(outer_packet(inner_packet(1)));
  turn();
  EXPECT_EQ(counters.dropped(Verdict::wire_overflow), 7U);
  EXPECT_EQ(counters.packets.value(), 1U);
}

// RFC 4213 §5: no packet is sent about a refused packet.
TEST_F(InboundPumpTest, NothingIsEverSent) {
  wire.to_receive.push_back(outer_packet(inner_packet(1), {.source = "203.0.113.9"}));
  wire.to_receive.push_back(outer_packet(payload_of(60)));
  wire.to_receive.push_back(outer_packet(inner_packet(2)));
  turn();
  EXPECT_TRUE(wire.batches.empty());
}

TEST_F(InboundPumpTest, AMergedPacketIsWrittenOnceAndCountedAsItWas) {
  const Tcp fields{.payload = payload_of(14200), .source = far_host, .destination = near_host};
  wire.to_receive.push_back(outer_packet(unfinished(fields).bytes));
  turn();
  ASSERT_EQ(tun.written.size(), 1U);
  EXPECT_EQ(tun.written[0].bytes, unfinished(fields).bytes);
  EXPECT_EQ(tun.written[0].offload.gso, wire::Gso::tcp6);
  EXPECT_EQ(counters.packets.value(), 10U);
  EXPECT_EQ(counters.bytes.value(), 14200U + 10 * 60);
}

TEST_F(InboundPumpTest, PacketsThatContinueEachOtherAreWrittenOnceAndCountedEach) {
  Tcp segment{.source = far_host, .destination = near_host};
  Tcp whole = segment;
  whole.payload = payload_of(2900);
  for (std::size_t start = 0; start < whole.payload.size(); start += segment.payload.size()) {
    const auto begin = whole.payload.begin() + static_cast<std::ptrdiff_t>(start);
    segment.sequence = whole.sequence + static_cast<std::uint32_t>(start);
    segment.payload.assign(begin, begin + (start < 2000 ? 1000 : 900));
    wire.to_receive.push_back(outer_packet(packet_of(segment)));
  }
  EXPECT_EQ(turn(), IoStatus::ok);
  ASSERT_EQ(tun.written.size(), 1U);
  EXPECT_EQ(tun.written[0].bytes, super_packet(whole, 1000).bytes);
  EXPECT_EQ(tun.written[0].offload, super_packet(whole, 1000).offload);
  EXPECT_EQ(counters.packets.value(), 3U);
  EXPECT_EQ(counters.bytes.value(), 2900U + 3 * 60);
}

TEST_F(InboundPumpTest, NothingIsJoinedToWhatCameBefore) {
  wire.receive_batch = 2;
  for (int count = 0; count < 4; ++count) wire.to_receive.push_back(outer_packet(inner_packet(100)));
  turn();
  EXPECT_EQ(tun.written.size(), 1U);
  turn();
  EXPECT_EQ(tun.written.size(), 2U);
  EXPECT_EQ(counters.packets.value(), 4U);
}

TEST_F(InboundPumpTest, ARefusedWriteCountsAsThePacketsThatWereInIt) {
  constexpr std::array reasons{std::pair{IoStatus::full, Verdict::tun_full},
                               std::pair{IoStatus::down, Verdict::tun_down},
                               std::pair{IoStatus::error, Verdict::tun_error}};
  for (const auto& [status, reason] : reasons) {
    tun.write_statuses = {status};
    for (int count = 0; count < 5; ++count) wire.to_receive.push_back(outer_packet(inner_packet(100)));
    turn();
    EXPECT_EQ(counters.dropped(reason), 5U) << name_of(reason);
  }
  EXPECT_EQ(drops(), 15U);
  EXPECT_EQ(counters.packets.value(), 0U);
  EXPECT_TRUE(tun.written.empty());
}

// As on Linux before 6.2.
TEST_F(InboundPumpTest, ADeviceWithoutUdpSuperPacketsGetsDatagramsOneByOne) {
  tun.lacks = {Offload::udp};
  InboundPump<MemoryWire, MemoryTun> other{wire, tun, counters, last_heard};
  for (int count = 0; count < 3; ++count) wire.to_receive.push_back(outer_packet(inner_packet(100)));
  EXPECT_EQ(other.turn(parameters, now), IoStatus::ok);
  ASSERT_EQ(tun.written.size(), 3U);
  for (const TunFrame& frame : tun.written) EXPECT_EQ(frame.bytes, inner_packet(100));
}

TEST_F(InboundPumpTest, MergedDatagramsThatTheDeviceDoesNotTakeAreWrittenOneByOne) {
  const Udp fields{.payload = payload_of(1100), .source = far_host, .destination = near_host};
  tun.lacks = {Offload::udp};
  wire.offload = {.from_packet_socket = true, .gso_size = 500};
  wire.to_receive.push_back(outer_packet(unfinished(fields).bytes));
  turn();
  ASSERT_EQ(tun.written.size(), 3U);
  Octets joined;
  for (const TunFrame& frame : tun.written) {
    EXPECT_EQ(frame.offload, wire::VnetHeader{});
    EXPECT_EQ(rewritten_by_libtins(frame.bytes), frame.bytes);
    joined.insert(joined.end(), frame.bytes.begin() + ipv6_header + 8, frame.bytes.end());
  }
  EXPECT_EQ(joined, fields.payload);
  EXPECT_EQ(counters.packets.value(), 3U);
  EXPECT_EQ(counters.bytes.value(), 1100U + 3 * 48);
  EXPECT_EQ(drops(), 0U);
}

TEST_F(InboundPumpTest, OfMergedDatagramsThatAreWrittenOneByOneEachCountsForItself) {
  const Udp fields{.payload = payload_of(1100), .source = far_host, .destination = near_host};
  tun.lacks = {Offload::udp};
  tun.write_statuses = {IoStatus::ok, IoStatus::full, IoStatus::ok};
  wire.offload = {.from_packet_socket = true, .gso_size = 500};
  wire.to_receive.push_back(outer_packet(unfinished(fields).bytes));
  turn();
  EXPECT_EQ(tun.written.size(), 2U);
  EXPECT_EQ(counters.packets.value(), 2U);
  EXPECT_EQ(counters.bytes.value(), 600U + 2 * 48);
  EXPECT_EQ(counters.dropped(Verdict::tun_full), 1U);
}

TEST_F(InboundPumpTest, WhatTheOtherSocketTakesIsNeitherWrittenNorCounted) {
  const Udp fields{.payload = payload_of(1100), .source = far_host, .destination = near_host};
  wire.to_receive.push_back(outer_packet(unfinished(fields).bytes));
  turn();
  EXPECT_TRUE(tun.written.empty());
  EXPECT_EQ(counters.packets.value(), 0U);
  EXPECT_EQ(drops(), 0U);
}

TEST_F(InboundPumpTest, TheFarEndIsHeardByPacketsThatPassOnly) {
  wire.to_receive.push_back(outer_packet(inner_packet(1), {.source = "203.0.113.9"}));
  turn();
  EXPECT_EQ(last_heard.get(), Time{});
  turn();
  EXPECT_EQ(last_heard.get(), Time{});
  wire.to_receive.push_back(outer_packet(inner_packet(1)));
  turn();
  EXPECT_EQ(last_heard.get(), now);
}

TEST_F(InboundPumpTest, TheFarEndIsHeardAlsoWhileTheDeviceIsDown) {
  tun.write_statuses = {IoStatus::down};
  wire.to_receive.push_back(outer_packet(inner_packet(1)));
  turn();
  EXPECT_EQ(last_heard.get(), now);
}

class IcmpFromTheWire : public InboundPumpTest {
 protected:
  IcmpFromTheWire() { parameters.pmtudisc = true; }
  /// An ICMP error about a packet from near to far.
  void put_error(std::uint8_t type, std::uint8_t code, std::uint16_t mtu = 0, std::size_t quoted = 1000,
                 const std::string& destination = "198.51.100.2") {
    Octets quote = outer_packet(packet_of(Udp{.payload = payload_of(1400)}),
                                {.source = "192.0.2.1", .destination = destination});
    quote.resize(20 + quoted);
    wire.errors.push_back({{.type = type, .code = code, .mtu = mtu, .quoted = {}}, quote});
  }
  [[nodiscard]] Tins::IPv6 written(std::size_t index) const {
    const Octets& bytes = tun.written.at(index).bytes;
    return {bytes.data(), static_cast<std::uint32_t>(bytes.size())};
  }
};

TEST_F(IcmpFromTheWire, TellsTheSenderOfThePacket) {
  put_error(3, 1);
  EXPECT_EQ(turn(), IoStatus::empty);
  ASSERT_EQ(tun.written.size(), 1U);
  EXPECT_EQ(written(0).dst_addr(), Tins::IPv6Address(near_host));
  EXPECT_EQ(written(0).rfind_pdu<Tins::ICMPv6>().type(), Tins::ICMPv6::DEST_UNREACHABLE);
  EXPECT_EQ(written(0).rfind_pdu<Tins::ICMPv6>().code(), 3);
  EXPECT_EQ(tun.written[0].bytes, rewritten_by_libtins(tun.written[0].bytes));
  EXPECT_EQ(counters.icmp_errors.value(), 1U);
  EXPECT_EQ(drops(), 0U);
  EXPECT_EQ(pump.take_path_mtu(), std::nullopt);
}

TEST_F(IcmpFromTheWire, TheSmallestPathMtuIsKeptUntilItIsTaken) {
  for (const std::uint16_t mtu : std::initializer_list<std::uint16_t>{1400, 1350, 1450}) put_error(3, 4, mtu);
  EXPECT_EQ(turn(), IoStatus::empty);
  EXPECT_EQ(pump.take_path_mtu(), 1350);
  EXPECT_EQ(pump.take_path_mtu(), std::nullopt);
  ASSERT_EQ(tun.written.size(), 3U);
  EXPECT_EQ(written(1).rfind_pdu<Tins::ICMPv6>().type(), Tins::ICMPv6::PACKET_TOOBIG);
}

TEST_F(IcmpFromTheWire, WhatNobodyCanBeToldIsCounted) {
  put_error(3, 1, 0, 8);
  put_error(12, 0);
  put_error(3, 1, 0, 1000, "198.51.100.9");
  EXPECT_EQ(turn(), IoStatus::empty);
  EXPECT_EQ(counters.dropped(Verdict::icmp_ignored), 2U);
  EXPECT_EQ(counters.dropped(Verdict::icmp_mismatch), 1U);
  EXPECT_TRUE(tun.written.empty());
}

TEST_F(IcmpFromTheWire, APathMtuThatNobodyCanBeToldOfIsNotLost) {
  put_error(3, 4, 1400, 8);
  EXPECT_EQ(turn(), IoStatus::empty);
  EXPECT_EQ(pump.take_path_mtu(), 1400);
  EXPECT_EQ(drops(), 0U);
}

TEST_F(IcmpFromTheWire, AnswersAreRateLimited) {
  for (int i = 0; i < 150; ++i) put_error(3, 1);
  while (!wire.errors.empty()) EXPECT_EQ(turn(), IoStatus::empty);
  EXPECT_EQ(tun.written.size(), 100U);
  EXPECT_EQ(counters.dropped(Verdict::icmp_ignored), 50U);
}

TEST_F(IcmpFromTheWire, HasItsTurnWherePacketsNeverStopComing) {
  put_error(3, 1);
  for (int turns = 0; turns < 100 && !wire.errors.empty(); ++turns) {
    wire.to_receive.push_back(outer_packet(inner_packet(10)));
    EXPECT_EQ(turn(), IoStatus::ok);
  }
  EXPECT_EQ(counters.icmp_errors.value(), 1U);
}

TEST_F(IcmpFromTheWire, AFloodDoesNotKeepPacketsWaiting) {
  for (int i = 0; i < 1000; ++i) put_error(12, 0);
  EXPECT_EQ(turn(), IoStatus::empty);
  EXPECT_GT(wire.errors.size(), 900U);
}

}  // namespace
}  // namespace sixin4::engine
