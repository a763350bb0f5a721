// The tun device in a separate network namespace: life time, errors, and packets to and from the kernel.
#include "sixin4/io/tun_device.hpp"

#include <cerrno>
#include <optional>
#include <stdexcept>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include <gtest/gtest.h>
#include <net/if.h>
#include <poll.h>
#include <unistd.h>

#include "../engine/packets.hpp"
#include "../netlink/own_network.hpp"

namespace sixin4::io {
namespace {

using engine::IoStatus;
using netlink::testing::add_address;
using netlink::testing::enter_own_network;
using netlink::testing::run;
using netlink::testing::WithoutNetAdmin;
using test::Octets;

const std::string host = "2001:db8::1";
const std::string peer = "2001:db8::2";

class TunDeviceTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!enter_own_network()) GTEST_SKIP() << "needs the right to make a network namespace";
    if (access("/dev/net/tun", R_OK | W_OK) != 0) GTEST_SKIP() << "needs /dev/net/tun";
  }
  static void bring_up() {
    run("ip link set six addrgenmode none && ip link set six up");
    add_address(host, "64", "six");
  }
};

/// Text and number of the error when the device is created.
std::pair<int, std::string> refusal(const std::string& name) {
  try {
    const TunDevice tun{name};
    return {0, "created"};
  } catch (const std::system_error& error) {
    return {error.code().value(), error.what()};
  }
}

/// The first packet with `next_header` within some time.
std::optional<test::TunFrame> next_packet(const TunDevice& tun, std::uint8_t next_header) {
  Octets buffer(engine::tun_read_size);
  pollfd readable{.fd = tun.fd(), .events = POLLIN, .revents = 0};
  while (poll(&readable, 1, 1000) > 0) {
    const engine::ReadResult result = tun.read(buffer);
    if (result.status != IoStatus::ok) return std::nullopt;
    if (result.packet.bytes.size() >= 40 && result.packet.bytes[6] == next_header)
      return test::TunFrame{result.packet.offload, test::octets_of(result.packet.bytes)};
  }
  return std::nullopt;
}

Octets echo_request(const Octets& payload) {
  Tins::ICMPv6 echo(Tins::ICMPv6::ECHO_REQUEST);
  echo.identifier(7);
  echo.sequence(1);
  return test::serialized(peer, host, 0, echo / Tins::RawPDU(payload));
}

IoStatus write(const TunDevice& tun, wire::Bytes packet, const wire::VnetHeader& offload = {}) {
  return tun.write(offload, {&packet, 1});
}

TEST_F(TunDeviceTest, TheInterfaceLivesAsLongAsTheObject) {
  {
    const TunDevice tun{"fifteen-letters"};
    EXPECT_NE(if_nametoindex("fifteen-letters"), 0U);
    EXPECT_NE(run("ip -details link show fifteen-letters").find("tun type tun pi off vnet_hdr on"),
              std::string::npos)
        << run("ip -details link show fifteen-letters");
  }
  EXPECT_EQ(if_nametoindex("fifteen-letters"), 0U);
}

TEST_F(TunDeviceTest, ANameThatIsTakenIsRefused) {
  const TunDevice tun{"six"};
  run("ip link add other type veth peer name far");
  run("ip tuntap add mode tun name idle");
  for (const std::string name : {"six", "other", "idle"}) {
    const auto [error, text] = refusal(name);
    EXPECT_TRUE(error == EBUSY || error == EEXIST || error == EINVAL) << name << ": " << text;
    EXPECT_TRUE(text.starts_with("cannot create tun interface " + name + " (TUNSETIFF)")) << text;
    EXPECT_NE(text.find("an interface of that name exists; choose another with 'interface'"),
              std::string::npos)
        << text;
  }
}

TEST_F(TunDeviceTest, ANameThatNoInterfaceCanHaveIsRefused) {
  EXPECT_THROW(TunDevice{""}, std::invalid_argument);
  EXPECT_THROW(TunDevice{"sixteen-letters-"}, std::invalid_argument);
  for (const std::string name : {"a/b", "..", "a b"}) {
    const auto [error, text] = refusal(name);
    EXPECT_EQ(error, EINVAL) << name;
    EXPECT_NE(text.find(name + " (TUNSETIFF): not a name that an interface can have"), std::string::npos)
        << text;
  }
}

TEST_F(TunDeviceTest, WithoutPrivilegeTheErrorSaysWhatWouldAllowIt) {
  const WithoutNetAdmin lowered;
  const auto [error, text] = refusal("six");
  EXPECT_EQ(error, EPERM);
  EXPECT_NE(text.find("cannot create tun interface six (TUNSETIFF): needs CAP_NET_ADMIN"), std::string::npos)
      << text;
}

TEST_F(TunDeviceTest, NothingToReadIsEmpty) {
  const TunDevice tun{"six"};
  Octets buffer(engine::tun_read_size);
  EXPECT_EQ(tun.read(buffer).status, IoStatus::empty) << "down";
  bring_up();
  while (next_packet(tun, 0)) {
  }
  EXPECT_EQ(tun.read(buffer).status, IoStatus::empty) << "up";
}

TEST_F(TunDeviceTest, APacketMayBeInParts) {
  const TunDevice tun{"six"};
  bring_up();
  const Octets request = echo_request(test::payload_of(1000));
  std::vector<wire::Bytes> parts;
  for (std::size_t start = 0; start < engine::max_tun_parts - 1; ++start)
    parts.push_back(wire::Bytes{request}.subspan(start, 1));
  parts.push_back(wire::Bytes{request}.subspan(engine::max_tun_parts - 1));
  ASSERT_EQ(tun.write({}, parts), IoStatus::ok);
  const auto reply = next_packet(tun, 58);
  ASSERT_TRUE(reply);
  EXPECT_EQ(Octets(reply->bytes.begin() + 48, reply->bytes.end()), test::payload_of(1000));
  parts.emplace_back();
  EXPECT_EQ(tun.write({}, parts), IoStatus::error) << "one part more";
}

TEST_F(TunDeviceTest, APacketReachesTheKernelAndTheAnswerComesBack) {
  const TunDevice tun{"six"};
  bring_up();
  ASSERT_EQ(write(tun, echo_request(test::payload_of(1000))), IoStatus::ok);
  const auto reply = next_packet(tun, 58);
  ASSERT_TRUE(reply);
  Octets expected = test::serialized(host, peer, 0, [] {
    Tins::ICMPv6 echo(Tins::ICMPv6::ECHO_REPLY);
    echo.identifier(7);
    echo.sequence(1);
    return echo / Tins::RawPDU(test::payload_of(1000));
  }());
  EXPECT_EQ(Octets(reply->bytes.begin() + 8, reply->bytes.end()),
            Octets(expected.begin() + 8, expected.end()))
      << "addresses, payload and checksum";
  EXPECT_EQ(reply->offload.gso, wire::Gso::none);
}

TEST_F(TunDeviceTest, OffloadDataSaysWhetherTheChecksumIsFinished) {
  const TunDevice tun{"six"};
  bring_up();
  Octets request = echo_request(test::payload_of(999));
  test::unfinish_checksum(request, 40, 2, 58);
  ASSERT_EQ(write(tun, request), IoStatus::ok);
  EXPECT_FALSE(next_packet(tun, 58)) << "a wrong checksum";
  ASSERT_EQ(write(tun, request, {.needs_checksum = true, .checksum_start = 40, .checksum_offset = 2}),
            IoStatus::ok);
  EXPECT_TRUE(next_packet(tun, 58)) << "an unfinished one";
}

TEST_F(TunDeviceTest, WhatIsNoPacketIsAnErrorOfThisPacketOnly) {
  const TunDevice tun{"six"};
  bring_up();
  EXPECT_EQ(write(tun, {}), IoStatus::error);
  EXPECT_EQ(write(tun, Octets(40)), IoStatus::error);
  EXPECT_EQ(
      write(tun, echo_request({1}), {.needs_checksum = true, .checksum_start = 2000, .checksum_offset = 2}),
      IoStatus::refused);
  EXPECT_EQ(write(tun, echo_request({1})), IoStatus::ok);
  EXPECT_TRUE(next_packet(tun, 58));
}

TEST_F(TunDeviceTest, AnInterfaceThatIsDownTakesNothingUntilItIsUpAgain) {
  const TunDevice tun{"six"};
  EXPECT_EQ(write(tun, echo_request({1})), IoStatus::down) << "as it was made";
  bring_up();
  EXPECT_EQ(write(tun, echo_request({1})), IoStatus::ok);
  run("ip link set six down");
  EXPECT_EQ(write(tun, echo_request({1})), IoStatus::down);
  bring_up();
  EXPECT_EQ(write(tun, echo_request({1})), IoStatus::ok);
  EXPECT_TRUE(next_packet(tun, 58));
}

TEST_F(TunDeviceTest, AnInterfaceThatWasDeletedIsGone) {
  const TunDevice tun{"six"};
  bring_up();
  run("ip link delete six");
  Octets buffer(engine::tun_read_size);
  EXPECT_EQ(tun.read(buffer).status, IoStatus::gone);
  EXPECT_EQ(write(tun, echo_request({1})), IoStatus::gone);
}

}  // namespace
}  // namespace sixin4::io
