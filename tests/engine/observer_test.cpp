// The reports of the pumps to an observer: every packet, with its bytes at that moment and its outcome.
#include "sixin4/engine/observer.hpp"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <ostream>
#include <set>
#include <span>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "sixin4/engine/inbound_pump.hpp"
#include "sixin4/engine/outbound_pump.hpp"

#include "memory_ends.hpp"
#include "packets.hpp"

namespace sixin4::engine {
namespace {

using namespace test;

/// One report.
struct Told {
  std::string what;
  PacketId id = 0;
  Octets bytes{};
  Verdict verdict = Verdict::pass;
};

/// Records all reports.
class Notes {
 public:
  void begin(Time now) noexcept { turns.push_back(now); }
  void from_tun(PacketId id, wire::Bytes packet) noexcept { add("from-tun", id, octets_of(packet)); }
  void from_wire(PacketId id, wire::Bytes packet) noexcept { add("from-wire", id, octets_of(packet)); }
  void withdrawn(PacketId id) noexcept { add("withdrawn", id); }
  void refused(PacketId id, Verdict verdict) noexcept { add("refused", id, {}, verdict); }
  void to_wire(PacketId id, std::span<const wire::Bytes> parts, Verdict verdict) noexcept {
    add("to-wire", id, octets_of(parts), verdict);
  }
  void to_tun(PacketId id, wire::Bytes packet) noexcept { add("to-tun", id, octets_of(packet)); }
  void answered(PacketId id, wire::Bytes packet) noexcept { add("answered", id, octets_of(packet)); }
  void end() noexcept { ++ends; }

  /// The reports as `what:verdict`, in order.
  [[nodiscard]] std::vector<std::string> names() const {
    std::vector<std::string> names;
    for (const Told& each : told) {
      names.push_back(each.verdict == Verdict::pass ? each.what
                                                    : each.what + ':' + std::string{name_of(each.verdict)});
    }
    return names;
  }
  [[nodiscard]] std::set<PacketId> ids() const {
    std::set<PacketId> ids;
    for (const Told& each : told) ids.insert(each.id);
    return ids;
  }

  std::vector<Told> told;
  std::vector<Time> turns;
  std::size_t ends = 0;

 private:
  void add(const char* what, PacketId id, Octets bytes = {}, Verdict verdict = Verdict::pass) {
    EXPECT_EQ(turns.size(), ends + 1) << "outside of a turn";
    told.push_back({.what = what, .id = id, .bytes = std::move(bytes), .verdict = verdict});
  }
};

using Names = std::vector<std::string>;

class Observed : public testing::Test {
 protected:
  void turn_out() { (void)outbound->turn(parameters, now, notes); }
  void turn_in() { (void)inbound->turn(parameters, now, notes); }
  void from_tun(const Octets& packet) { tun.to_read.push_back({.bytes = packet}); }

  MemoryTun tun;
  MemoryWire wire;
  DirectionCounters counters;
  LastTime last_heard;
  TunnelParameters parameters = near_parameters();
  Time now{std::chrono::hours{1}};
  std::unique_ptr<OutboundPump<MemoryTun, MemoryWire>> outbound =
      std::make_unique<OutboundPump<MemoryTun, MemoryWire>>(tun, wire, counters);
  std::unique_ptr<InboundPump<MemoryWire, MemoryTun>> inbound =
      std::make_unique<InboundPump<MemoryWire, MemoryTun>>(wire, tun, counters, last_heard);
  Notes notes;
};

Octets datagram(std::size_t payload) {
  return packet_of(Udp{.payload = payload_of(payload)});
}
Octets answer(std::size_t payload) {
  return packet_of(Udp{.payload = payload_of(payload), .source = far_host, .destination = near_host});
}

TEST_F(Observed, BothFormsOfAPacketOutwardShareANumber) {
  from_tun(datagram(10));
  from_tun(datagram(20));
  turn_out();
  ASSERT_EQ(notes.names(), (Names{"from-tun", "from-tun", "to-wire", "to-wire"}));
  EXPECT_EQ(notes.told[0].bytes, datagram(10));
  EXPECT_EQ(notes.told[2].bytes, wire.sent[0]);
  EXPECT_EQ(notes.told[3].bytes, wire.sent[1]);
  EXPECT_EQ(notes.told[0].id, notes.told[2].id);
  EXPECT_EQ(notes.told[1].id, notes.told[3].id);
  EXPECT_EQ(notes.ids().size(), 2U);
  EXPECT_EQ(notes.turns, std::vector{now});
  EXPECT_EQ(notes.ends, 1U);
}

TEST_F(Observed, EachRefusalOutwardIsToldWithThePacketAsItCame) {
  Octets not_ours = packet_of(Udp{.payload = payload_of(5), .source = "2001:db8:77::1"});
  Octets malformed = datagram(100);
  malformed.resize(60);
  from_tun(Octets(30, 0x45));
  from_tun(malformed);
  from_tun(not_ours);
  from_tun(datagram(1450));
  turn_out();
  EXPECT_EQ(notes.names(),
            (Names{"from-tun", "refused:not-ipv6", "from-tun", "refused:malformed", "from-tun",
                   "refused:source-not-ours", "answered", "from-tun", "refused:too-big", "answered"}));
  EXPECT_EQ(notes.told[2].bytes, malformed);
  EXPECT_EQ(notes.told[4].bytes, not_ours);
  EXPECT_EQ(notes.told[4].id, notes.told[5].id);
  ASSERT_EQ(tun.written.size(), 2U);
  EXPECT_EQ(notes.told[6].bytes, tun.written[0].bytes);
  EXPECT_EQ(notes.told[9].bytes, tun.written[1].bytes);
  EXPECT_EQ(notes.ids().size(), 6U) << "an answer is a packet of its own";
}

TEST_F(Observed, AnAnswerThatTheDeviceRefusesIsNotTold) {
  tun.write_statuses = {IoStatus::full};
  from_tun(datagram(1450));
  turn_out();
  EXPECT_EQ(notes.names(), (Names{"from-tun", "refused:too-big"}));
}

TEST_F(Observed, AChecksumThatCannotBeFinishedIsARefusal) {
  TunFrame frame = unfinished(Tcp{.payload = payload_of(600)});
  frame.offload.checksum_offset = 5000;
  tun.to_read.push_back(frame);
  turn_out();
  EXPECT_EQ(notes.names(), (Names{"from-tun", "refused:malformed"}));
}

TEST_F(Observed, SegmentsShareTheNumberOfTheirSuperPacket) {
  const TunFrame frame = super_packet(Tcp{.flags = tcp_ack, .payload = payload_of(60000)}, 300);
  tun.to_read.push_back(frame);
  from_tun(datagram(10));
  turn_out();
  ASSERT_EQ(notes.told.size(), 2U + 200 + 1);
  EXPECT_EQ(notes.told[0].bytes, frame.bytes);
  std::size_t segments = 0;
  for (const Told& each : notes.told) {
    if (each.what != "to-wire" || each.id != notes.told[0].id) continue;
    EXPECT_EQ(each.bytes, wire.sent[segments++]);
  }
  EXPECT_EQ(segments, 200U);
  EXPECT_EQ(notes.ids().size(), 2U);
}

TEST_F(Observed, FragmentsShareTheNumberOfTheirPacket) {
  parameters.link_mtu = 600;
  from_tun(datagram(1300));
  turn_out();
  ASSERT_EQ(notes.names(), (Names{"from-tun", "to-wire", "to-wire", "to-wire"}));
  EXPECT_EQ(notes.ids().size(), 1U);
  for (std::size_t i = 0; i < 3; ++i) EXPECT_EQ(notes.told[1 + i].bytes, wire.sent[i]);
}

TEST_F(Observed, WhatTheWireRefusesIsToldWithItsReason) {
  for (const std::size_t payload : {10U, 20U, 30U, 40U}) from_tun(datagram(payload));
  wire.send_results = {{.sent = 1, .status = IoStatus::full}, {.sent = 1, .status = IoStatus::error}};
  turn_out();
  EXPECT_EQ(notes.names(), (Names{"from-tun", "from-tun", "from-tun", "from-tun", "to-wire",
                                  "to-wire:wire-full", "to-wire", "to-wire:wire-error"}));
  EXPECT_EQ(notes.told[5].id, notes.told[1].id);
  EXPECT_EQ(Octets(notes.told[5].bytes.begin() + 20, notes.told[5].bytes.end()), datagram(20));
  EXPECT_EQ(notes.told[7].id, notes.told[3].id);
}

TEST_F(Observed, BothFormsOfAPacketInwardShareANumber) {
  const Octets marked = outer_packet(answer(10), {.tos = 0});
  wire.to_receive = {marked, outer_packet(answer(20))};
  turn_in();
  ASSERT_EQ(notes.names(), (Names{"from-wire", "to-tun", "from-wire", "to-tun"}));
  EXPECT_EQ(notes.told[0].bytes, marked);
  EXPECT_EQ(notes.told[1].bytes, answer(10));
  EXPECT_EQ(notes.told[0].id, notes.told[1].id);
  EXPECT_NE(notes.told[0].id, notes.told[2].id);
}

TEST_F(Observed, AnOuterPacketIsToldAsItCame) {
  Octets inner = answer(10);
  inner[1] = 0x20;  // ECT(0), which congestion outside turns into CE
  const Octets outer = outer_packet(inner, {.tos = 3});
  wire.to_receive = {outer};
  turn_in();
  ASSERT_EQ(notes.names(), (Names{"from-wire", "to-tun"}));
  EXPECT_EQ(notes.told[0].bytes, outer);
  EXPECT_EQ(notes.told[1].bytes[1], 0x30);
}

TEST_F(Observed, EachRefusalInwardIsToldWithThePacketAsItCame) {
  const Octets foreign = outer_packet(answer(10), {.source = "203.0.113.9"});
  const auto from = [](const char* source) {
    return outer_packet(packet_of(Udp{.payload = payload_of(5), .source = source, .destination = near_host}));
  };
  wire.to_receive = {foreign, outer_packet(payload_of(60)), from("::1"), from("2001:db8:1::1"),
                     outer_packet(answer(10), {.tos = 3})};
  turn_in();
  EXPECT_EQ(notes.names(),
            (Names{"from-wire", "refused:outer-source-mismatch", "from-wire", "refused:inner-malformed",
                   "from-wire", "refused:inner-source-invalid", "from-wire", "refused:inner-source-ours",
                   "from-wire", "refused:ecn-invalid"}));
  EXPECT_EQ(notes.told[0].bytes, foreign);
  for (std::size_t i = 0; i < notes.told.size(); i += 2) EXPECT_EQ(notes.told[i].id, notes.told[i + 1].id);
}

TEST_F(Observed, WhatTheOtherSocketTakesIsWithdrawn) {
  wire.to_receive = {outer_packet(
      unfinished(Udp{.payload = payload_of(1100), .source = far_host, .destination = near_host}).bytes)};
  turn_in();
  ASSERT_EQ(notes.names(), (Names{"from-wire", "withdrawn"}));
  EXPECT_EQ(notes.told[0].id, notes.told[1].id);
}

TEST_F(Observed, OfJoinedPacketsEachIsToldOfARefusalOfTheDevice) {
  Octets payload = payload_of(100);
  for (std::uint32_t i = 0; i < 3; ++i) {
    wire.to_receive.push_back(outer_packet(packet_of(
        Tcp{.sequence = 1000 + 100 * i, .payload = payload, .source = far_host, .destination = near_host})));
  }
  wire.to_receive.push_back(outer_packet(answer(10)));
  tun.write_statuses = {IoStatus::ok, IoStatus::full};
  turn_in();
  // The datagram is written at the end, too, because both runs are still open.
  ASSERT_EQ(notes.names(), (Names{"from-wire", "to-tun", "from-wire", "to-tun", "from-wire", "to-tun",
                                  "from-wire", "to-tun", "refused:tun-full"}));
  EXPECT_EQ(notes.told[8].id, notes.told[6].id);

  notes.told.clear();
  for (std::uint32_t i = 0; i < 3; ++i) {
    wire.to_receive.push_back(outer_packet(packet_of(
        Tcp{.sequence = 1000 + 100 * i, .payload = payload, .source = far_host, .destination = near_host})));
  }
  tun.write_statuses = {IoStatus::down};
  turn_in();
  ASSERT_EQ(notes.names(), (Names{"from-wire", "to-tun", "from-wire", "to-tun", "from-wire", "to-tun",
                                  "refused:tun-down", "refused:tun-down", "refused:tun-down"}));
  for (std::size_t i = 0; i < 3; ++i) EXPECT_EQ(notes.told[6 + i].id, notes.told[2 * i].id);
  EXPECT_EQ(counters.dropped(Verdict::tun_down), 3U);
}

TEST_F(Observed, MergedDatagramsThatAreWrittenOneByOneAreOnePacket) {
  tun.lacks = {Offload::udp};
  inbound = std::make_unique<InboundPump<MemoryWire, MemoryTun>>(wire, tun, counters, last_heard);
  tun.write_statuses = {IoStatus::ok, IoStatus::full};
  wire.offload = {.from_packet_socket = true, .gso_size = 500};
  wire.to_receive = {outer_packet(
      unfinished(Udp{.payload = payload_of(1100), .source = far_host, .destination = near_host}).bytes)};
  turn_in();
  EXPECT_EQ(notes.names(), (Names{"from-wire", "to-tun", "refused:tun-full"}));
  EXPECT_EQ(notes.ids().size(), 1U);
}

TEST_F(Observed, AnErrorThatCameBackIsToldAsTheAnswerThatItBecomes) {
  Octets quote = outer_packet(datagram(1400), {.source = "192.0.2.1", .destination = "198.51.100.2"});
  wire.errors.push_back({{.type = 3, .code = 1, .mtu = 0, .quoted = {}}, quote});
  wire.errors.push_back({{.type = 12, .code = 0, .mtu = 0, .quoted = {}}, quote});
  turn_in();
  ASSERT_EQ(notes.names(), Names{"answered"});
  ASSERT_EQ(tun.written.size(), 1U);
  EXPECT_EQ(notes.told[0].bytes, tun.written[0].bytes);
}

TEST_F(Observed, ADeviceThatIsGoneEndsTheTurnForTheObserver) {
  tun.write_statuses = {IoStatus::gone};
  wire.to_receive = {outer_packet(answer(10))};
  turn_in();
  tun.when_empty = IoStatus::gone;
  turn_out();
  EXPECT_EQ(notes.turns.size(), 2U);
  EXPECT_EQ(notes.ends, 2U);
}

TEST(PacketIds, OfNoTwoWorkersAndDirectionsAreTheSame) {
  std::set<PacketId> seen;
  for (const Share share : {Share{0, 3}, Share{1, 3}, Share{2, 3}}) {
    for (const Direction direction : {Direction::out, Direction::in}) {
      PacketIds ids{share, direction};
      for (int i = 0; i < 100; ++i) EXPECT_TRUE(seen.insert(ids.next()).second);
    }
  }
  EXPECT_EQ(seen.size(), 600U);
}

}  // namespace
}  // namespace sixin4::engine
