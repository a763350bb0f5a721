// IPv4 paths and neighbours that Netlink reads from a real kernel, which ip(8) has configured.
#include <optional>
#include <string>

#include <gtest/gtest.h>

#include "sixin4/netlink/netlink.hpp"

#include "own_network.hpp"

namespace sixin4::netlink::testing {
namespace {

class NetlinkPath : public OwnNetwork {};

TEST_F(NetlinkPath, HasTheSourceTheLinkAndTheSmallestMtu) {
  bring_up();
  run("ip addr add 192.0.2.1/24 dev sixin4 && ip link set far mtu 1400 && ip addr add 198.51.100.1/24 dev "
      "far");
  run("ip route add 203.0.113.0/25 via 192.0.2.9 mtu 1300 && ip route add 203.0.113.128/25 dev sixin4 mtu "
      "9000");
  Netlink netlink;
  EXPECT_EQ(netlink.path_to({.destination = ip4("192.0.2.2")}), (Ipv4Path{ip4("192.0.2.1"), link_, 1500}));
  EXPECT_EQ(netlink.path_to({.destination = ip4("198.51.100.2")}),
            (Ipv4Path{ip4("198.51.100.1"), far_, 1400}));
  EXPECT_EQ(netlink.path_to({.destination = ip4("203.0.113.1")}),
            (Ipv4Path{ip4("192.0.2.1"), link_, 1300, ip4("192.0.2.9")}));
  EXPECT_EQ(netlink.path_to({.destination = ip4("203.0.113.129")}),
            (Ipv4Path{ip4("192.0.2.1"), link_, 1500}));
  const auto shown = run("ip -j route get 203.0.113.1");
  EXPECT_EQ(count(shown, "\"dev\":\"sixin4\",\"prefsrc\":\"192.0.2.1\""), 1U) << shown;
}

TEST_F(NetlinkPath, CanBeBoundToALink) {
  bring_up();
  run("ip addr add 192.0.2.1/24 dev sixin4 && ip addr add 198.51.100.1/24 dev far");
  run("ip route add default dev sixin4 && ip route add default dev far metric 5");
  Netlink netlink;
  EXPECT_EQ(netlink.path_to({.destination = ip4("203.0.113.1")}).link_index, link_);
  const auto bound = netlink.path_to({.destination = ip4("203.0.113.1"), .oif = far_});
  EXPECT_EQ(bound.source, ip4("198.51.100.1"));
  EXPECT_TRUE(bound.loops_into(far_));
  EXPECT_FALSE(bound.loops_into(link_));
}

TEST_F(NetlinkPath, IsNothingWithoutARoute) {
  bring_up();
  run("ip addr add 192.0.2.1/24 dev sixin4 && ip route add unreachable 203.0.113.0/24");
  Netlink netlink;
  run("ip route add blackhole 203.0.114.0/24 && ip route add prohibit 203.0.115.0/24");
  const auto reason = [&netlink](const Ipv4PathQuery& query) {
    try {
      (void)netlink.path_to(query);
    } catch (const NoIpv4Path& no_path) {
      return std::string{no_path.what()};
    }
    return std::string{"there is a path"};
  };
  EXPECT_EQ(reason({.destination = ip4("198.51.100.1")}),
            "no IPv4 path to 198.51.100.1: this host has no route to it");
  EXPECT_EQ(reason({.destination = ip4("203.0.113.1")}),
            "no IPv4 path to 203.0.113.1: an unreachable route leads to it");
  EXPECT_EQ(reason({.destination = ip4("203.0.114.1")}),
            "no IPv4 path to 203.0.114.1: a blackhole route leads to it");
  EXPECT_EQ(reason({.destination = ip4("203.0.114.1"), .source = ip4("192.0.2.1")}),
            "no IPv4 path to 203.0.114.1: a blackhole route leads to it");
  EXPECT_EQ(reason({.destination = ip4("203.0.115.1")}),
            "no IPv4 path to 203.0.115.1: a prohibit route leads to it");
  EXPECT_EQ(reason({.destination = ip4("192.0.2.2"), .source = ip4("192.0.2.7")}),
            "no IPv4 path to 192.0.2.2: 192.0.2.7 is not an address of this host ('local' must be one)");
  EXPECT_EQ(reason({.destination = ip4("192.0.2.1")}),
            "no IPv4 path to 192.0.2.1: it is an address of this host itself");
  run("ip link set lo up && ip addr add 192.0.2.9/24 dev sixin4");
  EXPECT_EQ(reason({.destination = ip4("192.0.2.9"), .source = ip4("192.0.2.1")}),
            "no IPv4 path to 192.0.2.9: it is an address of this host itself");
  EXPECT_EQ(reason({.destination = ip4("127.0.0.2")}),
            "no IPv4 path to 127.0.0.2: it is an address of this host itself");
  EXPECT_EQ(reason({.destination = ip4("192.0.2.255")}),
            "no IPv4 path to 192.0.2.255: it is a broadcast address");
  EXPECT_EQ(reason({.destination = ip4("255.255.255.255"), .source = ip4("192.0.2.9")}),
            "no IPv4 path to 255.255.255.255: it is a broadcast address");
}

TEST_F(NetlinkPath, IsTheOneOfItsSource) {
  bring_up();
  run("ip addr add 192.0.2.1/24 dev sixin4 && ip rule add from 192.0.2.1 priority 100 lookup 100 && ip route "
      "add default via 192.0.2.99 dev sixin4 table 100");
  Netlink netlink;
  EXPECT_EQ(netlink.path_to({.destination = ip4("192.0.2.2")}).gateway, ip4("192.0.2.99"));
  run("ip rule add from 192.0.2.1 priority 99 unreachable");
  EXPECT_THROW(static_cast<void>(netlink.path_to({.destination = ip4("192.0.2.2")})), NoIpv4Path);
}

TEST_F(NetlinkPath, KnowsOfRulesThatLookAtMoreThanAQuestionCanSay) {
  Netlink netlink;
  EXPECT_FALSE(netlink.has_rules_beyond_path_query());
  run("ip rule add from 192.0.2.1 table 100 && ip rule add fwmark 1 table 100 && ip rule add iif lo table "
      "100");
  EXPECT_FALSE(netlink.has_rules_beyond_path_query());
  for (const std::string more : {"ipproto 41", "ipproto udp dport 53", "ipproto udp sport 53", "tos 4"}) {
    run("ip rule add priority 9 table 100 " + more);
    EXPECT_TRUE(netlink.has_rules_beyond_path_query()) << more;
    run("ip rule del priority 9");
  }
}

TEST_F(NetlinkPath, SaysWhetherTheNextHopIsAPlainOne) {
  bring_up();
  run("ip addr add 192.0.2.1/24 dev sixin4 && ip route add 203.0.113.0/25 via inet6 fe80::1 dev sixin4");
  Netlink netlink;
  EXPECT_TRUE(netlink.path_to({.destination = ip4("192.0.2.2")}).plain);
  EXPECT_FALSE(netlink.path_to({.destination = ip4("203.0.113.1")}).plain);
}

TEST_F(NetlinkPath, KnowsTheEthernetAddressOfALinkThatHasOne) {
  run("ip link set sixin4 address 02:00:00:00:00:01");
  Netlink netlink;
  EXPECT_EQ(netlink.link(link_).value().ethernet, (wire::MacAddress{{2, 0, 0, 0, 0, 1}}));
  EXPECT_EQ(netlink.link("lo").value().ethernet, std::nullopt);
  run("ip link set sixin4 arp off");
  EXPECT_EQ(netlink.link(link_).value().ethernet, std::nullopt)
      << "the kernel resolves no neighbours without ARP";
}

TEST_F(NetlinkPath, KnowsTheNeighboursThatTheKernelWouldSendTo) {
  bring_up();
  run("ip addr add 192.0.2.1/24 dev sixin4");
  Netlink netlink;
  const auto neighbour = [&] { return netlink.neighbour(link_, ip4("192.0.2.2")); };
  EXPECT_EQ(neighbour(), std::nullopt);
  EXPECT_EQ(netlink.neighbour(no_such_link, ip4("192.0.2.2")), std::nullopt);
  for (const std::string state : {"permanent", "noarp", "reachable", "stale", "delay", "probe"}) {
    run("ip neigh replace 192.0.2.2 lladdr 02:00:00:00:00:02 dev sixin4 nud " + state);
    EXPECT_EQ(neighbour(), (wire::MacAddress{{2, 0, 0, 0, 0, 2}})) << state;
  }
  run("ip neigh replace 192.0.2.2 dev sixin4 nud failed");
  EXPECT_EQ(neighbour(), std::nullopt);
}

TEST_F(NetlinkPath, AStaleNeighbourIsVerified) {
  bring_up();
  run("ip addr add 192.0.2.1/24 dev sixin4");
  Netlink netlink;
  run("ip neigh replace 192.0.2.2 lladdr 02:00:00:00:00:02 dev sixin4 nud stale");
  netlink.verify_neighbour(link_, ip4("192.0.2.2"));
  EXPECT_EQ(count(run("ip neigh show 192.0.2.2"), "DELAY"), 1U);
  netlink.verify_neighbour(link_, ip4("192.0.2.3"));
  EXPECT_EQ(count(run("ip neigh show 192.0.2.3"), "192.0.2.3"), 0U) << "no entry is created";
  netlink.verify_neighbour(no_such_link, ip4("192.0.2.3"));
}

TEST_F(NetlinkPath, AVerifiedNeighbourKeepsItsProtocolAndFlags) {
  bring_up();
  run("ip addr add 192.0.2.1/24 dev sixin4");
  Netlink netlink;
  run("ip neigh replace 192.0.2.2 lladdr 02:00:00:00:00:02 dev sixin4 nud stale protocol static");
  netlink.verify_neighbour(link_, ip4("192.0.2.2"));
  EXPECT_EQ(count(run("ip -d neigh show 192.0.2.2"), "proto static"), 1U);
  // The kernel keeps a managed entry resolved, so that its state may change.
  run("ip neigh replace 192.0.2.3 lladdr 02:00:00:00:00:03 dev sixin4 nud stale managed");
  netlink.verify_neighbour(link_, ip4("192.0.2.3"));
  EXPECT_EQ(count(run("ip -d neigh show 192.0.2.3"), "managed"), 1U);
}

TEST_F(NetlinkPath, ANeighbourOfSomebodyElseStaysAsItIs) {
  bring_up();
  run("ip addr add 192.0.2.1/24 dev sixin4");
  Netlink netlink;
  for (const std::string kind : {"nud permanent", "nud noarp", "nud reachable", "nud stale extern_learn",
                                 "nud permanent protocol static", "nud reachable extern_learn"}) {
    run("ip neigh replace 192.0.2.2 lladdr 02:00:00:00:00:02 dev sixin4 " + kind);
    const auto before = run("ip -d neigh show 192.0.2.2");
    netlink.verify_neighbour(link_, ip4("192.0.2.2"));
    EXPECT_EQ(run("ip -d neigh show 192.0.2.2"), before) << kind;
    run("ip neigh del 192.0.2.2 dev sixin4");
  }
}

}  // namespace
}  // namespace sixin4::netlink::testing
