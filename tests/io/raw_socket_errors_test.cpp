// Error messages of the raw sockets.
#include <array>
#include <cerrno>
#include <iostream>
#include <string>
#include <system_error>
#include <utility>

#include <gtest/gtest.h>
#include <linux/capability.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "sixin4/io/raw_socket.hpp"

#include "../netlink/own_network.hpp"

namespace sixin4::io {
namespace {

using netlink::testing::enter_own_network;
using netlink::testing::run;

constexpr wire::Ipv4Address near_loopback{{127, 0, 0, 1}};
constexpr wire::Ipv4Address far_loopback{{127, 0, 0, 2}};

class RawSocketErrors : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!enter_own_network()) GTEST_SKIP() << "needs the right to make a network namespace";
    run("ip link set lo up");
  }
};

template <typename Socket>
std::pair<int, std::string> refusal(const WireEnds& ends) {
  try {
    const Socket socket{ends};
    return {0, "opened"};
  } catch (const std::system_error& error) {
    return {error.code().value(), error.what()};
  }
}

template <typename Socket>
void expect_refusal(const WireEnds& ends, int error, const std::string& beginning,
                    const std::string& remedy) {
  const auto [number, text] = refusal<Socket>(ends);
  EXPECT_EQ(number, error) << text;
  EXPECT_TRUE(text.starts_with(beginning)) << text;
  EXPECT_NE(text.find(remedy), std::string::npos) << text;
}

TEST_F(RawSocketErrors, LoopbackWorks) {
  const WireEnds ends{.local = near_loopback, .remote = far_loopback, .dev = "lo"};
  EXPECT_EQ(refusal<RawSender>(ends), std::pair(0, std::string{"opened"}));
  EXPECT_EQ(refusal<RawReceiver>(ends), std::pair(0, std::string{"opened"}));
}

TEST_F(RawSocketErrors, ALinkThatDoesNotExistIsNamed) {
  const WireEnds ends{.local = near_loopback, .remote = far_loopback, .dev = "nowhere"};
  expect_refusal<RawSender>(ends, ENODEV, "cannot bind", "to link nowhere");
  expect_refusal<RawReceiver>(ends, ENODEV, "cannot bind", "to link nowhere");
}

TEST_F(RawSocketErrors, ALocalAddressOfSomebodyElseIsNamed) {
  expect_refusal<RawReceiver>({.local = {{192, 0, 2, 77}}, .remote = far_loopback, .dev = ""}, EADDRNOTAVAIL,
                              "cannot bind a raw socket to 192.0.2.77",
                              "'local' must be an IPv4 address of this host");
}

TEST_F(RawSocketErrors, ARemoteWithoutARouteIsNamed) {
  const WireEnds ends{.local = near_loopback, .remote = {{198, 51, 100, 7}}, .dev = ""};
  expect_refusal<RawSender>(ends, ENETUNREACH, "cannot connect a raw socket to 198.51.100.7",
                            "there must be an IPv4 route to it");
  run("ip address add 192.0.2.1/32 dev lo");
  expect_refusal<RawReceiver>({.local = {{192, 0, 2, 1}}, .remote = ends.remote, .dev = ""}, ENETUNREACH,
                              "cannot connect a raw socket to 198.51.100.7",
                              "there must be an IPv4 route to it");
}

/// Runs in a process without privileges, prints the error, and exits with 3.
template <typename Socket>
[[noreturn]] void try_without_privilege() {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  const std::array<__user_cap_data_struct, 2> none{};
  if (syscall(SYS_capset, &header, none.data()) != 0) _exit(1);
  const auto [error, text] = refusal<Socket>({.local = near_loopback, .remote = far_loopback, .dev = ""});
  std::cerr << text << std::flush;
  _exit(error == EPERM ? 3 : 2);
}

TEST_F(RawSocketErrors, WithoutPrivilegeTheTextSaysWhatWouldAllowIt) {
  const std::string text = "cannot open a raw socket: needs CAP_NET_RAW";
  EXPECT_EXIT(try_without_privilege<RawSender>(), ::testing::ExitedWithCode(3), text);
  EXPECT_EXIT(try_without_privilege<RawReceiver>(), ::testing::ExitedWithCode(3), text);
}

}  // namespace
}  // namespace sixin4::io
