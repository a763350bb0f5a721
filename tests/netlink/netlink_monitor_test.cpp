// The monitor against a real kernel: it reports each kind of change, also after a socket overflow.
#include "sixin4/netlink/netlink_monitor.hpp"

#include <array>
#include <cerrno>
#include <string>
#include <utility>

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>

#include "own_network.hpp"

namespace sixin4::netlink::testing {
namespace {

class NetlinkMonitorTest : public OwnNetwork {};

TEST_F(NetlinkMonitorTest, SeesEveryKindOfChange) {
  bring_up();
  NetlinkMonitor first{Subject::configuration};
  NetlinkMonitor monitor = std::move(first);
  while (poll(std::array{pollfd{monitor.fd(), POLLIN, 0}}.data(), 1, 300) > 0)
    static_cast<void>(monitor.drain());
  for (const std::string change :
       {"ip link set sixin4 mtu 1400", "ip addr add 192.0.2.1/24 dev sixin4",
        "ip route add 198.51.100.0/24 dev sixin4", "ip rule add from 192.0.2.1 table 100",
        "ip -6 addr add 2001:db8::2/64 dev sixin4 nodad",
        "ip -6 route add 2001:db8:1::/48 dev sixin4 table 100",
        "ip -6 rule add from 2001:db8::2 table 100"}) {
    EXPECT_FALSE(monitor.drain()) << "before " << change;
    run(change);
    EXPECT_TRUE(monitor.drain()) << change;
  }
  EXPECT_FALSE(monitor.drain());
}

TEST_F(NetlinkMonitorTest, SeesItsOwnSubjectOnly) {
  bring_up();
  NetlinkMonitor neighbours{Subject::neighbours};
  NetlinkMonitor tables{Subject::nftables};
  NetlinkMonitor policies{Subject::ipsec_policies};
  run("ip addr add 192.0.2.1/24 dev sixin4");
  EXPECT_FALSE(neighbours.drain());
  run("ip neigh add 192.0.2.2 lladdr 02:00:00:00:00:02 dev sixin4");
  EXPECT_TRUE(neighbours.drain());
  EXPECT_FALSE(tables.drain());
  EXPECT_FALSE(policies.drain());
  if (std::system("nft add table ip t 2>/dev/null") == 0) {
    EXPECT_TRUE(tables.drain());
  }
  if (std::system("ip xfrm policy add dir out src 10.0.0.0/8 dst 10.1.0.0/16 2>/dev/null") == 0) {
    EXPECT_TRUE(policies.drain());
  }
}

TEST_F(NetlinkMonitorTest, CountsLostEvents) {
  NetlinkMonitor monitor{Subject::configuration};
  const int smallest = 1;
  ASSERT_EQ(setsockopt(monitor.fd(), SOL_SOCKET, SO_RCVBUF, &smallest, sizeof smallest), 0);
  run("for i in $(seq 50); do echo rule add from 2001:db8::$i table 100; done | ip -6 -batch -");
  char byte = 0;
  ASSERT_EQ(recv(monitor.fd(), &byte, sizeof byte, MSG_PEEK), -1);
  ASSERT_EQ(errno, ENOBUFS) << "the socket did not overflow";
  while (recv(monitor.fd(), &byte, sizeof byte, 0) > 0) {
  }
  EXPECT_FALSE(monitor.drain());

  run("for i in $(seq 51 99); do echo rule add from 2001:db8::$i table 100; done | ip -6 -batch -");
  EXPECT_TRUE(monitor.drain());
  EXPECT_FALSE(monitor.drain());
}

}  // namespace
}  // namespace sixin4::netlink::testing
