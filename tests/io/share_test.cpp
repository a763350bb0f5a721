// Flows divided among several receivers, and among the queues of a tun device.

#include <algorithm>
#include <array>
#include <atomic>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <tins/tins.h>

#include "sixin4/io/raw_socket.hpp"
#include "sixin4/io/tun_device.hpp"

#include "../engine/packets.hpp"
#include "../netlink/own_network.hpp"

namespace sixin4::io {
namespace {

using netlink::testing::add_address;
using netlink::testing::enter_own_network;
using netlink::testing::ip4;
using netlink::testing::run;
using test::Octets;

class ShareTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!enter_own_network()) GTEST_SKIP() << "needs the right to make a network namespace";
    run("ip link set lo up");
    const WireEnds far{.local = ip4("127.0.0.2"), .remote = ip4("127.0.0.1"), .dev = ""};
    for (std::uint32_t i = 0; i < count; ++i)
      receivers_.emplace_back(far, engine::Share{.index = i, .count = count});
    sender_.emplace(WireEnds{.local = ip4("127.0.0.1"), .remote = ip4("127.0.0.2"), .dev = ""});
  }

  /// The receiver of an outer packet; empty if none or several receive it.
  std::optional<std::size_t> receiver_of(const Octets& outer) {
    const engine::OuterPacket packet{.head = outer, .body = {}};
    EXPECT_EQ(sender_->send(std::span{&packet, 1}).sent, 1U);
    std::vector<std::size_t> got;
    for (std::size_t i = 0; i < count; ++i) {
      for (const auto& one : receivers_[i].receive().packets) {
        EXPECT_TRUE(std::ranges::equal(one.bytes, outer));
        got.push_back(i);
      }
    }
    return got.size() == 1 ? std::optional{got.front()} : std::nullopt;
  }

  static constexpr std::uint32_t count = 3;
  std::vector<RawReceiver> receivers_;
  std::optional<RawSender> sender_;
};

Octets outer(const Octets& inner) {
  return test::outer_packet(inner, {.source = "127.0.0.1", .destination = "127.0.0.2"});
}

Octets tcp(std::uint16_t port, std::size_t payload, const std::string& source = "2001:db8::1") {
  Tins::IPv6 packet =
      Tins::IPv6{"2001:db8::2", source} / Tins::TCP{443, port} / Tins::RawPDU{test::payload_of(payload)};
  return packet.serialize();
}

TEST_F(ShareTest, ATcpConnectionHasOneReceiverAndManyHaveAll) {
  std::array<int, count> connections{};
  for (std::uint16_t port = 1024; port < 1124; ++port) {
    const auto first = receiver_of(outer(tcp(port, 10)));
    ASSERT_TRUE(first) << port;
    EXPECT_EQ(receiver_of(outer(tcp(port, 1000))), first) << port;
    EXPECT_EQ(receiver_of(outer(tcp(port, 0))), first) << port;
    ++connections[*first];
  }
  for (const int number : connections) EXPECT_GT(number, 15);
}

TEST_F(ShareTest, OptionsOfTheOuterHeaderChangeNothing) {
  for (std::uint16_t port = 1024; port < 1034; ++port) {
    Octets with_options = outer(tcp(port, 100));
    with_options.insert(with_options.begin() + 20, {7, 3, 4, 0});  // record route without room
    with_options[0] = 0x46;
    wire::store16<2>(std::span{with_options}.first<20>(), static_cast<std::uint16_t>(with_options.size()));
    const auto plain = receiver_of(outer(tcp(port, 100)));
    const engine::OuterPacket packet{.head = with_options, .body = {}};
    ASSERT_EQ(sender_->send(std::span{&packet, 1}).sent, 1U);
    EXPECT_FALSE(receivers_[*plain].receive().packets.empty()) << port;
  }
}

TEST_F(ShareTest, WhateverElseTwoHostsSayHasOneReceiver) {
  std::set<std::optional<std::size_t>> receivers;
  for (std::uint16_t host = 1; host < 40; ++host) {
    const std::string source = "2001:db8::" + std::to_string(host);
    const auto inner = [&](const Tins::PDU& upper) {
      Tins::IPv6 packet = Tins::IPv6{"2001:db8::2", source} / upper;
      return packet.serialize();
    };
    const auto echo = receiver_of(outer(inner(Tins::ICMPv6{} / Tins::RawPDU{"ping"})));
    ASSERT_TRUE(echo);
    receivers.insert(echo);
    for (const std::uint16_t port : std::to_array<std::uint16_t>({1, 2, 3})) {
      EXPECT_EQ(receiver_of(outer(inner(Tins::UDP{53, port} / Tins::RawPDU{"payload"}))), echo);
    }
    Octets fragment = inner(Tins::UDP{53, 1} / Tins::RawPDU{"payload"});
    fragment[6] = wire::next_header::fragment;
    EXPECT_EQ(receiver_of(outer(fragment)), echo);
  }
  EXPECT_EQ(receivers.size(), count);
}

TEST_F(ShareTest, WhatIsTooShortForAFlowIsTheFirsts) {
  const Octets whole = tcp(1024, 0);
  for (std::size_t length = 1; length < 44; ++length) {
    const Octets cut(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(length));
    EXPECT_EQ(receiver_of(outer(cut)), 0U) << length;
  }
}

// The kernel queues packets from socket(2) on, before there is a filter.
TEST_F(ShareTest, WhatComesDuringTheSetUpOfAReceiverIsNotItsOwnForThat) {
  const Octets stranger =
      test::outer_packet(test::payload_of(200), {.source = "127.0.0.3", .destination = "127.0.0.2"});
  const Octets of_the_first = outer(test::payload_of(10));
  std::atomic<bool> over = false;
  std::thread flood{[&] {
    const std::array<engine::OuterPacket, 2> packets{engine::OuterPacket{.head = stranger, .body = {}},
                                                     engine::OuterPacket{.head = of_the_first, .body = {}}};
    while (!over) (void)sender_->send(packets);
  }};
  std::size_t others = 0;
  for (int i = 0; i < 50; ++i) {
    RawReceiver receiver{{.local = ip4("127.0.0.2"), .remote = ip4("127.0.0.1"), .dev = ""},
                         {.index = 1, .count = count}};
    others += receiver.receive().packets.size();
  }
  over = true;
  flood.join();
  EXPECT_EQ(others, 0U);
}

TEST_F(ShareTest, OnlyTheFirstHearsOfStrangersAndErrors) {
  const Octets stranger =
      test::outer_packet(test::payload_of(100), {.source = "127.0.0.3", .destination = "127.0.0.2"});
  EXPECT_EQ(receiver_of(stranger), 0U);

  const Octets quoted =
      test::outer_packet(test::payload_of(100), {.source = "127.0.0.2", .destination = "127.0.0.1"});
  Octets unreachable{3, 1, 0, 0, 0, 0, 0, 0};
  unreachable.insert(unreachable.end(), quoted.begin(), quoted.end());
  test::put_word(unreachable, 2, 0xffffU ^ test::reference_sum(unreachable));
  EXPECT_EQ(receiver_of(test::outer_packet(
                unreachable, {.source = "127.0.0.1", .destination = "127.0.0.2", .protocol = 1})),
            std::nullopt);
  for (std::size_t i = 0; i < count; ++i) EXPECT_EQ(receivers_[i].next_error().has_value(), i == 0) << i;
}

class TunQueuesTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!enter_own_network()) GTEST_SKIP() << "needs the right to make a network namespace";
    if (access("/dev/net/tun", R_OK | W_OK) != 0) GTEST_SKIP() << "needs /dev/net/tun";
    queues_ = TunDevice::open_queues("six", 3);
    run("ip link set six addrgenmode none && ip link set six up");
    add_address("2001:db8::1", "64", "six");
  }

  static base::FileDescriptor open_flow(std::uint16_t port) {
    base::FileDescriptor socket{::socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
    sockaddr_in6 address{};
    address.sin6_family = AF_INET6;
    address.sin6_port = htons(port);
    EXPECT_EQ(bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
    inet_pton(AF_INET6, "2001:db8::2", &address.sin6_addr);
    address.sin6_port = htons(9);
    EXPECT_EQ(connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
    return socket;
  }

  /// The queue that delivers a datagram of this flow.
  std::optional<std::size_t> queue_of(const base::FileDescriptor& flow) {
    EXPECT_EQ(send(flow.get(), "x", 1, 0), 1);
    std::array<pollfd, 3> polled{};
    for (std::size_t i = 0; i < polled.size(); ++i)
      polled[i] = {.fd = queues_[i].fd(), .events = POLLIN, .revents = 0};
    if (poll(polled.data(), polled.size(), 1000) != 1) return std::nullopt;
    const auto readable = std::ranges::find(polled, POLLIN, &pollfd::revents);
    const auto queue = static_cast<std::size_t>(readable - polled.begin());
    Octets buffer(engine::tun_read_size);
    EXPECT_EQ(queues_[queue].read(buffer).status, engine::IoStatus::ok);
    return queue;
  }

  std::vector<TunDevice> queues_;
};

TEST_F(TunQueuesTest, AFlowStaysInItsQueueWhereverAnswersAreWritten) {
  std::set<std::size_t> used;
  for (std::uint16_t port = 2000; port < 2030; ++port) {
    const base::FileDescriptor flow = open_flow(port);
    const auto queue = queue_of(flow);
    ASSERT_TRUE(queue) << port;
    used.insert(*queue);
    Tins::IPv6 answer =
        Tins::IPv6{"2001:db8::1", "2001:db8::2"} / Tins::UDP{port, 9} / Tins::RawPDU{"answer"};
    const Octets bytes = answer.serialize();
    const wire::Bytes part{bytes};
    for (const TunDevice& writer : queues_) EXPECT_EQ(writer.write({}, {&part, 1}), engine::IoStatus::ok);
    EXPECT_EQ(queue_of(flow), queue) << port;
  }
  EXPECT_EQ(used.size(), 3U);
}

TEST_F(TunQueuesTest, AllQueuesGoWithTheInterface) {
  run("ip link delete six");
  Octets buffer(engine::tun_read_size);
  const wire::Bytes nothing{};
  for (const TunDevice& queue : queues_) {
    EXPECT_EQ(queue.read(buffer).status, engine::IoStatus::gone);
    EXPECT_EQ(queue.write({}, {&nothing, 1}), engine::IoStatus::gone);
  }
}

TEST_F(TunQueuesTest, ANameThatIsTakenIsRefused) {
  EXPECT_THROW(static_cast<void>(TunDevice::open_queues("six", 2)), std::system_error);
}

}  // namespace
}  // namespace sixin4::io
