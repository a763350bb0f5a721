// Echo requests in a network namespace whose kernel replies.
#include "sixin4/io/echo_socket.hpp"

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <vector>

#include <gtest/gtest.h>
#include <net/if.h>
#include <poll.h>

#include "../netlink/own_network.hpp"

namespace sixin4::io {
namespace {

using netlink::testing::add_address;
using netlink::testing::enter_own_network;
using netlink::testing::ip6;
using netlink::testing::run;

class EchoSocketTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!enter_own_network()) GTEST_SKIP() << "needs the right to make a network namespace";
    run("ip link set lo up");
    loopback = static_cast<int>(if_nametoindex("lo"));
  }

  static std::optional<std::uint16_t> answer(EchoSocket& socket) {
    pollfd waiting{.fd = socket.fd(), .events = POLLIN, .revents = 0};
    (void)poll(&waiting, 1, 5000);
    return socket.receive();
  }

  int loopback = 0;
};

TEST_F(EchoSocketTest, EveryRequestIsAnsweredUnderItsNumber) {
  EchoSocket socket{ip6("::1"), loopback};
  EXPECT_EQ(socket.receive(), std::nullopt);
  for (const std::uint16_t sequence : std::initializer_list<std::uint16_t>{1, 2, 65535, 0}) {
    socket.send(sequence);
    EXPECT_EQ(answer(socket), sequence);
  }
  EXPECT_EQ(socket.receive(), std::nullopt);
}

TEST_F(EchoSocketTest, AnswersToOthersAreLeftToThem) {
  EchoSocket one{ip6("::1"), loopback};
  EchoSocket other{ip6("::1"), loopback};
  one.send(1);
  EXPECT_EQ(answer(one), 1);
  EXPECT_EQ(other.receive(), std::nullopt);
}

TEST_F(EchoSocketTest, AnAnswerComesFromTheFarEndItself) {
  add_address("2001:db8::1", "128", "lo");
  EchoSocket one{ip6("2001:db8::1"), loopback};
  one.send(5);
  EXPECT_EQ(answer(one), 5);
}

TEST_F(EchoSocketTest, WhatCannotBeSentIsSimplyNotAnswered) {
  EchoSocket socket{ip6("2001:db8::9"), loopback};
  run("ip -6 route add unreachable 2001:db8::9/128");
  socket.send(1);
  run("ip link set lo down");
  socket.send(2);
  EXPECT_EQ(socket.receive(), std::nullopt);
}

}  // namespace
}  // namespace sixin4::io
