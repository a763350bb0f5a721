// The raw sockets in a separate network namespace, over loopback addresses.
#include "sixin4/io/raw_socket.hpp"

#include <algorithm>
#include <cstddef>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <net/if.h>
#include <tins/tins.h>
#include <unistd.h>

#include "sixin4/engine/inbound.hpp"
#include "sixin4/wire/checksum.hpp"
#include "sixin4/wire/ipv6.hpp"

#include "../engine/packets.hpp"
#include "../netlink/own_network.hpp"
#include "something_waits.hpp"

namespace sixin4::io {
namespace {

using engine::IoStatus;
using netlink::testing::enter_own_network;
using netlink::testing::ip6;
using netlink::testing::run;
using test::Octets;
using testing::something_waits;

constexpr wire::Ipv4Address near_loopback{{127, 0, 0, 1}};
constexpr wire::Ipv4Address far_loopback{{127, 0, 0, 2}};
const WireEnds near_ends{.local = near_loopback, .remote = far_loopback, .dev = ""};
const WireEnds far_ends{.local = far_loopback, .remote = near_loopback, .dev = ""};

/// A packet of `length` octets, by default from the near end to the far end.
Octets packet(std::size_t length, const std::string& source = "127.0.0.1",
              const std::string& destination = "127.0.0.2") {
  return test::outer_packet(test::payload_of(length - 20), {.source = source, .destination = destination});
}

class RawSocketTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!enter_own_network()) GTEST_SKIP() << "needs the right to make a network namespace";
    run("ip link set lo up");
  }
};

/// Sends packets one call after the other, as the endpoint does, without those that fail. Returns the result
/// of each call.
std::vector<engine::SendResult> send_all(RawSender& sender, const std::vector<Octets>& packets) {
  std::vector<engine::OuterPacket> batch;
  for (const Octets& octets : packets) batch.push_back({.head = octets, .body = {}});
  std::vector<engine::SendResult> results;
  for (std::size_t at = 0; at < batch.size();) {
    results.push_back(sender.send(std::span{batch}.subspan(at)));
    at += results.back().sent + (results.back().status == IoStatus::ok ? 0 : 1);
    if (results.size() > 2 * batch.size()) break;  // no progress
  }
  return results;
}

/// All packets queued at the receiver, those of `peer` first.
std::vector<Octets> received(RawReceiver& receiver) {
  std::vector<Octets> packets;
  for (;;) {
    const engine::ReceiveResult result = receiver.receive();
    for (const engine::WirePacket& one : result.packets) packets.push_back(test::octets_of(one.bytes));
    if (result.status != IoStatus::ok) return packets;
  }
}

TEST_F(RawSocketTest, ABatchOfAnySizeArrivesInOrderAndWhole) {
  RawSender sender{near_ends};
  RawReceiver receiver{far_ends};
  for (const std::size_t size : {1U, 2U, 64U, 128U, 129U, 200U}) {
    std::vector<Octets> sent;
    for (std::size_t i = 0; i < size; ++i) sent.push_back(packet(60 + i));
    const auto results = send_all(sender, sent);
    EXPECT_EQ(results.front().sent, std::min<std::size_t>(size, 128));
    EXPECT_EQ(results.front().status, IoStatus::ok);
    EXPECT_EQ(results.size(), size > 128 ? 2U : 1U);
    EXPECT_EQ(received(receiver), sent) << size << " packets, with the headers that libtins made";
  }
}

TEST_F(RawSocketTest, HeadAndBodyBecomeOnePacket) {
  RawSender sender{near_ends};
  RawReceiver receiver{far_ends};
  const Octets whole = packet(1000);
  std::vector<engine::OuterPacket> batch;
  for (const std::size_t cut : {20U, 60U, 999U, 1000U})
    batch.push_back({.head = wire::Bytes{whole}.first(cut), .body = wire::Bytes{whole}.subspan(cut)});
  EXPECT_EQ(sender.send(batch).sent, 4U);
  EXPECT_EQ(received(receiver), std::vector<Octets>(4, whole));
}

TEST_F(RawSocketTest, TheLargestPacketPasses) {
  RawSender sender{near_ends};
  RawReceiver receiver{far_ends};
  const std::vector<Octets> sent{packet(65535)};
  EXPECT_EQ(send_all(sender, sent).size(), 1U);
  EXPECT_EQ(received(receiver), sent);
}

TEST_F(RawSocketTest, APacketLargerThanTheLinkIsAnErrorAndTheBatchGoesOn) {
  run("ip link set lo mtu 1500");
  RawSender sender{near_ends};
  RawReceiver receiver{far_ends};
  const std::vector<Octets> sent{packet(100),  packet(1500), packet(1501),
                                 packet(1400), packet(2000), packet(101)};
  std::size_t refused = 0;
  std::size_t left = 0;
  for (const engine::SendResult& result : send_all(sender, sent)) {
    left += result.sent;
    EXPECT_TRUE(result.status == IoStatus::ok || result.status == IoStatus::error);
    if (result.status == IoStatus::error) ++refused;
  }
  EXPECT_EQ(left, 4U);
  EXPECT_EQ(refused, 2U);
  EXPECT_EQ(received(receiver), (std::vector{sent[0], sent[1], sent[3], sent[5]}));
}

/// By which socket each packet is taken: raw (false) or packet socket (true).
std::vector<bool> taken_by_packet_socket(RawReceiver& receiver, const Octets& expected) {
  engine::TunnelParameters parameters = test::near_parameters();
  parameters.local = far_ends.local;
  parameters.remote = far_ends.remote;
  std::vector<bool> taken;
  for (;;) {
    const engine::ReceiveResult result = receiver.receive();
    for (const engine::WirePacket& one : result.packets) {
      EXPECT_EQ(test::octets_of(one.bytes.subspan(20)), test::octets_of(wire::Bytes{expected}.subspan(20)));
      const engine::Decapsulated inner = engine::decapsulate(parameters, one.bytes, one.offload);
      if (!inner.taken_elsewhere && inner.verdict == engine::Verdict::pass)
        taken.push_back(one.offload.from_packet_socket);
    }
    if (result.status != IoStatus::ok) return taken;
  }
}

/// A datagram from 2001:db8::1 to 2001:db8::2, in an IPv4 packet from the near end; the payload begins with
/// `word`.
Octets datagram_with(std::uint16_t word, std::size_t size = 100) {
  Octets payload = test::payload_of(size);
  wire::store16<0>(std::span{payload}.first<2>(), word);
  Tins::IPv6 datagram =
      Tins::IPv6{"2001:db8::2", "2001:db8::1"} / Tins::UDP{53, 5353} / Tins::RawPDU{payload};
  return test::outer_packet(datagram.serialize(), {.source = "127.0.0.1", .destination = "127.0.0.2"});
}

std::uint16_t sum_of_pseudo_header(std::uint32_t length = 108) {
  return wire::pseudo_header_sum({ip6("2001:db8::1")}, {ip6("2001:db8::2")}, length, wire::next_header::udp)
      .folded();
}

constexpr std::size_t checksum_field = 20 + 40 + 6;

/// The datagram in two IPv4 fragments.
std::vector<Octets> fragments_of(const Octets& packet) {
  constexpr std::size_t piece = 80;
  Octets first{packet.begin(), packet.begin() + 20 + piece};
  Octets second{packet.begin(), packet.begin() + 20};
  second.insert(second.end(), packet.begin() + 20 + piece, packet.end());
  for (Octets* fragment : {&first, &second}) {
    test::put_word(*fragment, 2, fragment->size());
    test::put_word(*fragment, 4, 4711);
  }
  test::put_word(first, 6, 0x2000);
  test::put_word(second, 6, piece / 8);
  return {first, second};
}

// The packet socket tells more about an unfinished datagram, and it must not be taken twice.
TEST_F(RawSocketTest, ADatagramIsTakenFromOneSocketOnly) {
  RawSender sender{near_ends};
  RawReceiver receiver{far_ends};
  const Octets finished = datagram_with(0);
  send_all(sender, {finished});
  EXPECT_EQ(taken_by_packet_socket(receiver, finished), std::vector{false});
  Octets unfinished = finished;
  test::put_word(unfinished, checksum_field, sum_of_pseudo_header());
  send_all(sender, {unfinished});
  EXPECT_EQ(taken_by_packet_socket(receiver, unfinished), std::vector{true});
}

// One in 65536 right checksums equals the pseudo-header sum. Only the packet socket knows whether such a
// packet is one datagram.
TEST_F(RawSocketTest, ADatagramWhoseFinishedChecksumLooksUnfinishedIsTakenFromThePacketSocket) {
  RawSender sender{near_ends};
  RawReceiver receiver{far_ends};
  std::uint16_t word = 0;
  while (test::word_at(datagram_with(word), checksum_field) != sum_of_pseudo_header()) ++word;
  const Octets datagram = datagram_with(word);
  send_all(sender, {datagram});
  EXPECT_EQ(taken_by_packet_socket(receiver, datagram), std::vector{true});
}

TEST_F(RawSocketTest, ADatagramInFragmentsIsTakenFromTheRawSocket) {
  RawSender sender{near_ends};
  RawReceiver receiver{far_ends};
  const Octets datagram = datagram_with(0);
  send_all(sender, fragments_of(datagram));
  EXPECT_EQ(taken_by_packet_socket(receiver, datagram), std::vector{false});
}

TEST_F(RawSocketTest, WhatAFullQueueHadNoRoomForIsCounted) {
  RawSender sender{near_ends};
  for (const bool is_finished : {true, false}) {
    RawReceiver receiver{far_ends};
    Octets datagram = datagram_with(0, 60000);
    if (!is_finished) test::put_word(datagram, checksum_field, sum_of_pseudo_header(60008));
    const std::vector<Octets> some(100, datagram);
    for (int i = 0; i < 5; ++i) send_all(sender, some);
    std::size_t got = 0;
    std::size_t lost = 0;
    for (;;) {
      const engine::ReceiveResult result = receiver.receive();
      got +=
          static_cast<std::size_t>(std::ranges::count_if(result.packets, [&](const engine::WirePacket& one) {
            return one.offload.from_packet_socket != is_finished;
          }));
      lost += result.lost;
      if (result.status != IoStatus::ok) break;
    }
    EXPECT_GT(lost, 0U) << is_finished;
    EXPECT_EQ(got + lost, 500U) << is_finished;
  }
}

TEST_F(RawSocketTest, SomethingWaitsWhenThereIsAPacketOfThePeerOrOfAStranger) {
  RawSender sender{near_ends};
  RawReceiver receiver{far_ends};
  EXPECT_FALSE(something_waits(receiver));
  for (const auto* source : {"127.0.0.1", "127.0.0.3"}) {
    send_all(sender, std::vector<Octets>{packet(100, source)});
    EXPECT_TRUE(something_waits(receiver)) << source;
    EXPECT_EQ(received(receiver).size(), 1U) << source;
    EXPECT_FALSE(something_waits(receiver)) << source;
  }
}

TEST_F(RawSocketTest, StrangersComeCutAndOnlyWhenThePeerHasNothing) {
  RawSender sender{near_ends};
  RawReceiver receiver{far_ends};
  const std::vector<Octets> strangers{packet(100, "127.0.0.3"), packet(128, "127.0.0.3"),
                                      packet(5000, "127.0.0.3"), packet(129, "127.0.0.1", "127.0.0.4"),
                                      packet(300, "127.0.0.3", "127.0.0.4")};
  std::vector<Octets> sent = strangers;
  for (std::size_t i = 0; i < 100; ++i)
    sent.insert(sent.begin() + static_cast<std::ptrdiff_t>(i % 5), packet(1400));
  send_all(sender, sent);

  const std::vector<Octets> got = received(receiver);
  ASSERT_EQ(got.size(), 105U);
  for (std::size_t i = 0; i < 100; ++i) ASSERT_EQ(got[i], packet(1400)) << i;
  for (std::size_t i = 0; i < 5; ++i) {
    Octets head = strangers[i];
    head.resize(std::min<std::size_t>(head.size(), 128));
    EXPECT_EQ(got[100 + i], head) << i;
  }
}

TEST_F(RawSocketTest, OtherProtocolsAreNotReceived) {
  RawSender sender{near_ends};
  RawReceiver receiver{far_ends};
  const Octets other = test::outer_packet(test::payload_of(50),
                                          {.source = "127.0.0.1", .destination = "127.0.0.2", .protocol = 4});
  EXPECT_EQ(send_all(sender, std::vector<Octets>{other}).front().sent, 1U);
  EXPECT_TRUE(received(receiver).empty());
}

TEST_F(RawSocketTest, AReceiverBoundToALinkHearsThatLinkOnly) {
  run("ip link add elsewhere type veth peer name far && ip link set elsewhere up");
  run("ip address add 192.0.2.9/24 dev elsewhere");
  run("ip address add 192.0.2.1/32 dev lo && ip address add 192.0.2.2/32 dev lo");
  WireEnds ends{.local = {{192, 0, 2, 2}}, .remote = {{192, 0, 2, 1}}, .dev = "lo"};
  RawSender sender{{.local = ends.remote, .remote = ends.local, .dev = ""}};
  RawReceiver here{ends};
  ends.dev = "elsewhere";
  RawReceiver there{ends};
  const std::vector<Octets> sent{packet(100, "192.0.2.1", "192.0.2.2")};
  send_all(sender, sent);
  EXPECT_EQ(received(here), sent);
  EXPECT_TRUE(received(there).empty());
}

/// The number of ICMP messages sent in this namespace.
long icmp_messages_sent() {
  std::ifstream file{"/proc/net/snmp"};
  std::string names;
  std::string values;
  while (std::getline(file, names) && std::getline(file, values)) {
    std::istringstream name_words{names};
    std::istringstream value_words{values};
    std::string name;
    std::string value;
    while (name_words >> name && value_words >> value) {
      if (names.starts_with("Icmp: ") && name == "OutMsgs") return std::stol(value);
    }
  }
  ADD_FAILURE() << "no count of ICMP messages";
  return -1;
}

/// The resident memory of this process in bytes.
long resident() {
  long pages = 0;
  std::ifstream{"/proc/self/statm"} >> pages >> pages;
  return pages * sysconf(_SC_PAGESIZE);
}

TEST_F(RawSocketTest, RoomForPacketsTakesNoMemoryUntilTheyCome) {
  const long before = resident();
  const RawReceiver receiver{far_ends};
  EXPECT_LT(resident() - before, 4L << 20U) << "the room is for 128 packets of 64 KiB";
}

TEST_F(RawSocketTest, FullQueuesAreNotAnsweredWithIcmp) {
  if (if_nametoindex("sit0") != 0) GTEST_SKIP() << "the kernel's own 6in4 answers by itself";
  RawSender sender{near_ends};
  const long before = icmp_messages_sent();
  send_all(sender, std::vector<Octets>{packet(100)});
  ASSERT_EQ(icmp_messages_sent(), before + 1) << "without a receiver the kernel answers";
  RawReceiver receiver{far_ends};
  const std::vector<Octets> from_peer(128, packet(60000));
  const std::vector<Octets> from_stranger(128, packet(100, "127.0.0.3"));
  for (int i = 0; i < 10; ++i) {
    send_all(sender, from_peer);
    for (int j = 0; j < 10; ++j) send_all(sender, from_stranger);
  }
  EXPECT_EQ(icmp_messages_sent(), before + 1);
  const std::size_t got = received(receiver).size();
  EXPECT_LT(got, 10U * 128U) << "the queues were to overflow";
  send_all(sender, std::vector<Octets>{packet(100)});
  EXPECT_EQ(received(receiver), std::vector<Octets>{packet(100)}) << "and then it goes on";
}

}  // namespace
}  // namespace sixin4::io
