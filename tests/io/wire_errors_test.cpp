// ICMP errors about packets of the tunnel, as the receiver gets them from the kernel.
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <tins/tins.h>

#include "sixin4/io/raw_socket.hpp"

#include "../engine/packets.hpp"
#include "../netlink/own_network.hpp"
#include "something_waits.hpp"

namespace sixin4::io {
namespace {

using engine::IoStatus;
using netlink::testing::enter_own_network;
using netlink::testing::run;
using test::Octets;
using testing::something_waits;

const WireEnds near_ends{.local = {{127, 0, 0, 1}}, .remote = {{127, 0, 0, 2}}, .dev = ""};
const WireEnds far_ends{.local = {{127, 0, 0, 2}}, .remote = {{127, 0, 0, 1}}, .dev = ""};

/// A packet that the near end may send.
Octets sent_by_near(std::size_t inner,
                    const test::Outer& outer = {.source = "127.0.0.1", .destination = "127.0.0.2"}) {
  return test::outer_packet(test::payload_of(inner), outer);
}

/// An ICMP message from the far end to the near one; `parameter` follows the checksum.
Octets icmp(std::uint8_t type, std::uint8_t code, std::uint32_t parameter, const Octets& quoted,
            const std::string& source = "127.0.0.2", const std::string& destination = "127.0.0.1") {
  Octets message{type, code, 0, 0};
  for (int shift = 24; shift >= 0; shift -= 8)
    message.push_back(static_cast<std::uint8_t>(parameter >> shift));
  message.insert(message.end(), quoted.begin(), quoted.end());
  test::put_word(message, 2, 0xffffU ^ test::reference_sum(message));
  return test::outer_packet(message, {.source = source, .destination = destination, .protocol = 1});
}

class WireErrorsTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!enter_own_network()) GTEST_SKIP() << "needs the right to make a network namespace";
    run("ip link set lo up");
    receiver.emplace(near_ends);
    sender.emplace(far_ends);
  }
  void send(const Octets& packet) {
    const engine::OuterPacket outer{.head = packet, .body = {}};
    ASSERT_EQ(sender->send({&outer, 1}).sent, 1U);
  }
  /// The next error after another poll.
  static std::optional<engine::WireError> next_error(RawReceiver& from) {
    (void)from.receive();
    return from.next_error();
  }

  std::optional<RawReceiver> receiver;
  std::optional<RawSender> sender;
};

TEST_F(WireErrorsTest, AnErrorHasItsTypeAndQuotesFromTheIpv4HeaderOn) {
  const Octets packet = sent_by_near(100);
  send(icmp(3, 1, 0, packet));
  EXPECT_TRUE(something_waits(*receiver));
  const auto error = next_error(*receiver);
  ASSERT_TRUE(error);
  EXPECT_EQ(error->type, 3);
  EXPECT_EQ(error->code, 1);
  EXPECT_EQ(error->mtu, 0);
  EXPECT_EQ(test::octets_of(error->quoted), packet);
  EXPECT_FALSE(next_error(*receiver));
}

TEST_F(WireErrorsTest, FragmentationNeededTellsTheNextHopMtu) {
  for (const std::uint16_t mtu : std::initializer_list<std::uint16_t>{0, 67, 1400, 65535}) {
    send(icmp(3, 4, mtu, sent_by_near(1400)));
    const auto error = next_error(*receiver);
    ASSERT_TRUE(error) << mtu;
    EXPECT_EQ(error->code, 4);
    EXPECT_EQ(error->mtu, mtu);
  }
}

TEST_F(WireErrorsTest, TimeExceededIsTold) {
  send(icmp(11, 0, 0, sent_by_near(100)));
  const auto error = next_error(*receiver);
  ASSERT_TRUE(error);
  EXPECT_EQ(error->type, 11);
}

// RFC 4213 §3.4: RFC 792 asks for a quotation of 8 bytes.
TEST_F(WireErrorsTest, AShortQuotationIsTakenAsItIs) {
  Octets start = sent_by_near(100);
  start.resize(28);
  send(icmp(3, 1, 0, start));
  const auto error = next_error(*receiver);
  ASSERT_TRUE(error);
  EXPECT_EQ(test::octets_of(error->quoted), start);
}

// RFC 4884 §4.1: the second octet of the third 32-bit word is the length of the quotation in words.
TEST_F(WireErrorsTest, WhatARouterAddsBehindTheQuotationIsLeftOut) {
  Octets quoted = sent_by_near(400);
  quoted.resize(128);
  Octets extended = quoted;
  Octets extension{0x20, 0, 0, 0, 0, 8, 1, 1, 1, 2, 3, 4};  // version 2; one object: an MPLS label
  test::put_word(extension, 2, 0xffffU ^ test::reference_sum(extension));
  extended.insert(extended.end(), extension.begin(), extension.end());
  send(icmp(11, 0, 32U << 16U, extended));
  const auto error = next_error(*receiver);
  ASSERT_TRUE(error);
  EXPECT_EQ(test::octets_of(error->quoted), quoted);
}

TEST_F(WireErrorsTest, ErrorsAboutOtherPacketsOfProtocol41AreLeftForTheEngineToJudge) {
  send(icmp(3, 1, 0, sent_by_near(100, {.source = "127.0.0.1", .destination = "127.0.0.9"})));
  EXPECT_TRUE(next_error(*receiver));
  send(icmp(3, 1, 0, sent_by_near(100, {.source = "127.0.0.1", .destination = "127.0.0.2", .protocol = 47})));
  EXPECT_FALSE(something_waits(*receiver));
  EXPECT_FALSE(next_error(*receiver));
}

// Routing is not symmetric: an ICMP message may arrive over another link than that of the tunnel.
TEST_F(WireErrorsTest, ATunnelThatIsBoundToALinkHearsErrorsByEveryLink) {
  run("ip link add elsewhere type veth peer name far && ip link set elsewhere up");
  run("ip address add 192.0.2.9/24 dev elsewhere");
  run("ip address add 192.0.2.1/32 dev lo && ip address add 192.0.2.2/32 dev lo");
  const WireEnds near{.local = {{192, 0, 2, 1}}, .remote = {{192, 0, 2, 2}}, .dev = "elsewhere"};
  RawReceiver bound{near};
  RawSender router{{.local = near.remote, .remote = near.local, .dev = ""}};
  const Octets packet = icmp(3, 1, 0, sent_by_near(100, {.source = "192.0.2.1", .destination = "192.0.2.2"}),
                             "192.0.2.2", "192.0.2.1");
  const engine::OuterPacket outer{.head = packet, .body = {}};
  ASSERT_EQ(router.send({&outer, 1}).sent, 1U);
  EXPECT_TRUE(next_error(bound));
}

TEST_F(WireErrorsTest, WithAllErrorsTakenNothingWaitsAndPacketsComeAgain) {
  for (int i = 0; i < 50; ++i) send(icmp(3, 1, 0, sent_by_near(100)));
  const Octets packet =
      test::outer_packet(test::payload_of(60), {.source = "127.0.0.2", .destination = "127.0.0.1"});
  send(packet);
  int errors = 0;
  std::vector<Octets> packets;
  for (int turn = 0; turn < 200 && something_waits(*receiver); ++turn) {
    const engine::ReceiveResult result = receiver->receive();
    for (const engine::WirePacket& each : result.packets) packets.push_back(test::octets_of(each.bytes));
    (void)receiver->receive();
    while (receiver->next_error()) ++errors;
  }
  EXPECT_EQ(errors, 50);
  EXPECT_EQ(packets, std::vector<Octets>{packet});
  EXPECT_FALSE(something_waits(*receiver)) << "an endpoint would not sleep any more";
}

}  // namespace
}  // namespace sixin4::io
