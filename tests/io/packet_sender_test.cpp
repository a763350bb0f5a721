// The packet socket sender over a pair of links in one network namespace, observed by a packet socket at the
// other link.
#include "sixin4/io/packet_sender.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <vector>

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <poll.h>
#include <tins/tins.h>

#include "sixin4/io/wire_sender.hpp"
#include "sixin4/wire/checksum.hpp"
#include "sixin4/wire/ipv6.hpp"

#include "../engine/packets.hpp"
#include "../netlink/own_network.hpp"

namespace sixin4::io {
namespace {

using engine::IoStatus;
using netlink::testing::ip6;
using netlink::testing::OwnNetwork;
using netlink::testing::run;
using test::Octets;

constexpr wire::MacAddress own{{2, 0, 0, 0, 0, 1}};
constexpr wire::MacAddress others{{2, 0, 0, 0, 0, 2}};

class PacketSenderTest : public OwnNetwork {
 protected:
  void SetUp() override {
    OwnNetwork::SetUp();
    if (IsSkipped()) return;
    run("ip link set sixin4 address 02:00:00:00:00:01 && ip link set far address 02:00:00:00:00:02");
    bring_up();
    run("timeout 10 sh -c 'until ip -o link show sixin4 | grep -q LOWER_UP; do sleep 0.01; done'");
    listener_ = base::FileDescriptor{socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0)};
    sockaddr_ll link{};
    link.sll_family = AF_PACKET;
    link.sll_protocol = htons(ETH_P_IP);
    link.sll_ifindex = far_;
    ASSERT_EQ(bind(listener_.get(), reinterpret_cast<const sockaddr*>(&link), sizeof link), 0);
  }

  [[nodiscard]] NextHop next_hop() const {
    return {.link_index = link_, .source = {own}, .destination = {others}};
  }

  /// The next frame received at the far link.
  [[nodiscard]] Octets arrived() const {
    pollfd readable{.fd = listener_.get(), .events = POLLIN, .revents = 0};
    Octets frame(2000);
    if (poll(&readable, 1, 2000) <= 0) return {};
    const ssize_t length = recv(listener_.get(), frame.data(), frame.size(), 0);
    frame.resize(static_cast<std::size_t>(std::max<ssize_t>(length, 0)));
    return frame;
  }

  base::FileDescriptor listener_;
};

Octets framed(const Octets& packet) {
  constexpr std::array<std::uint8_t, 14> header{2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 8, 0};
  Octets frame(header.size() + packet.size());
  std::ranges::copy(packet, std::ranges::copy(header, frame.begin()).out);
  return frame;
}

TEST_F(PacketSenderTest, ABatchArrivesInOrderUnderEthernetHeaders) {
  PacketSender sender{next_hop()};
  std::vector<Octets> packets;
  std::vector<engine::OuterPacket> batch;
  for (std::size_t i = 0; i < 3; ++i) packets.push_back(test::outer_packet(test::payload_of(100 + i)));
  for (const Octets& packet : packets) {
    batch.push_back({.head = std::span{packet}.first(40), .body = std::span{packet}.subspan(40)});
  }
  const engine::SendResult result = sender.send(batch);
  EXPECT_EQ(result.status, IoStatus::ok);
  EXPECT_EQ(result.sent, batch.size());
  for (const Octets& packet : packets) EXPECT_EQ(arrived(), framed(packet));
}

TEST_F(PacketSenderTest, AnUnfinishedChecksumIsFinishedByTheKernelWhereTheLinkDoesNot) {
  run("ethtool -K sixin4 tx off >/dev/null");
  PacketSender sender{next_hop()};
  for (const std::size_t size : {1U, 100U, 1401U}) {
    Tins::IPv6 inner =
        Tins::IPv6{"2001:db8::1", "2001:db8::2"} / Tins::UDP{53, 5353} / Tins::RawPDU{test::payload_of(size)};
    const Octets finished = test::outer_packet(inner.serialize());
    Octets unfinished = finished;
    const std::uint16_t field = 20 + 40 + 6;
    const std::uint16_t pseudo =
        wire::pseudo_header_sum({ip6("2001:db8::1")}, {ip6("2001:db8::2")},
                                static_cast<std::uint32_t>(size + 8), wire::next_header::udp)
            .folded();
    wire::store16<0>(std::span{unfinished}.subspan(field).first<2>(), pseudo);
    const engine::OuterPacket packet{
        .head = unfinished, .body = {}, .checksum_start = 60, .checksum_offset = 6};
    EXPECT_EQ(sender.send(std::span{&packet, 1}).sent, 1U);
    EXPECT_EQ(arrived(), framed(finished)) << size;
    // The next packet in the same slot has no unfinished checksum.
    const engine::OuterPacket plain{.head = unfinished, .body = {}};
    EXPECT_EQ(sender.send(std::span{&plain, 1}).sent, 1U);
    EXPECT_EQ(arrived(), framed(unfinished)) << size;
  }
}

TEST_F(PacketSenderTest, APacketTooLargeForTheLinkIsRefusedAndTheOthersLeave) {
  PacketSender sender{next_hop()};
  const Octets good = test::outer_packet(test::payload_of(100));
  const Octets large = test::outer_packet(test::payload_of(1600));
  const std::array<engine::OuterPacket, 3> batch{engine::OuterPacket{.head = good, .body = {}},
                                                 engine::OuterPacket{.head = large, .body = {}},
                                                 engine::OuterPacket{.head = good, .body = {}}};
  EXPECT_EQ(sender.send(batch).sent, 1U);
  EXPECT_EQ(sender.send(std::span{batch}.subspan(1)).status, IoStatus::error);
  EXPECT_EQ(sender.send(std::span{batch}.subspan(2)).sent, 1U);
  EXPECT_EQ(arrived(), framed(good));
  EXPECT_EQ(arrived(), framed(good));
}

// The kernel returns EINVAL, here because the checksum field is past the end of the packet.
TEST_F(PacketSenderTest, OffloadDataThatTheKernelDoesNotTakeAreToldAsSuch) {
  PacketSender sender{next_hop()};
  const Octets good = test::outer_packet(test::payload_of(100));
  const std::array<engine::OuterPacket, 2> batch{
      engine::OuterPacket{.head = good, .body = {}},
      engine::OuterPacket{.head = good, .body = {}, .checksum_start = 60000, .checksum_offset = 6}};
  EXPECT_EQ(sender.send(batch).sent, 1U);
  EXPECT_EQ(sender.send(std::span{batch}.subspan(1)).status, IoStatus::refused);
  EXPECT_EQ(arrived(), framed(good));
}

TEST_F(PacketSenderTest, ALinkThatIsDownOrGoneRefuses) {
  PacketSender sender{next_hop()};
  const Octets good = test::outer_packet(test::payload_of(100));
  const engine::OuterPacket packet{.head = good, .body = {}};
  run("ip link set sixin4 down");
  EXPECT_EQ(sender.send(std::span{&packet, 1}).status, IoStatus::error);
  run("ip link set sixin4 up && timeout 10 sh -c 'until ip -o link show sixin4 | grep -q LOWER_UP; do sleep "
      "0.01; "
      "done'");
  EXPECT_EQ(sender.send(std::span{&packet, 1}).sent, 1U);
  run("ip link delete sixin4");
  EXPECT_EQ(sender.send(std::span{&packet, 1}).status, IoStatus::error);
  EXPECT_THROW(PacketSender{next_hop()}, std::system_error);
}

TEST_F(PacketSenderTest, AQueueThatIsFullIsToldAsSuch) {
  run("tc qdisc replace dev sixin4 root tbf rate 8kbit burst 1600 limit 1600");
  PacketSender sender{next_hop()};
  const Octets good = test::outer_packet(test::payload_of(1400));
  const engine::OuterPacket packet{.head = good, .body = {}};
  std::vector<IoStatus> statuses;
  for (int i = 0; i < 4; ++i) statuses.push_back(sender.send(std::span{&packet, 1}).status);
  EXPECT_NE(std::ranges::find(statuses, IoStatus::full), statuses.end());
}

TEST_F(PacketSenderTest, IsTakenWhereThereIsANextHop) {
  run("ip address add 192.0.2.1/24 dev sixin4");
  const WireEnds ends{
      .local = netlink::testing::ip4("192.0.2.1"), .remote = netlink::testing::ip4("192.0.2.2"), .dev = ""};
  const Octets packet = test::outer_packet(test::payload_of(100));
  const engine::OuterPacket batch{.head = packet, .body = {}};
  EXPECT_EQ((WireSender{ends, next_hop()}.send(std::span{&batch, 1}).sent), 1U);
  EXPECT_EQ(arrived(), framed(packet));
}

// For most links it is unknown what they do with a checksum inside protocol 41.
TEST_F(PacketSenderTest, NoLinkIsTrustedWithChecksumsUnlessSomebodySaysSo) {
  run("ip address add 192.0.2.1/24 dev sixin4");
  const WireEnds ends{
      .local = netlink::testing::ip4("192.0.2.1"), .remote = netlink::testing::ip4("192.0.2.2"), .dev = ""};
  NextHop trusted = next_hop();
  trusted.finishes_checksums = true;
  EXPECT_TRUE((WireSender{ends, trusted}.finishes_checksums()));
  EXPECT_FALSE((WireSender{ends, next_hop()}.finishes_checksums()));
  EXPECT_FALSE((WireSender{ends, std::nullopt}.finishes_checksums()));
}

}  // namespace
}  // namespace sixin4::io
