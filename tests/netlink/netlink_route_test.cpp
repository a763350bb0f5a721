// IPv6 routes and rules that Netlink adds to a real kernel, read back with ip(8).
#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "sixin4/netlink/netlink.hpp"

#include "own_network.hpp"

namespace sixin4::netlink::testing {
namespace {

class NetlinkRoute : public OwnNetwork {};
class NetlinkRule : public OwnNetwork {};

TEST_F(NetlinkRoute, IsAddedOnceAndRemovedOnce) {
  bring_up();
  Netlink netlink;
  const Ipv6Route route{.prefix = net6("2001:db8:5::/48")};
  netlink.add_route(link_, route);
  netlink.add_route(link_, route);
  const auto shown = run("ip -j -6 route show table all 2001:db8:5::/48");
  EXPECT_EQ(count(shown, "\"dst\":"), 1U) << shown;
  EXPECT_EQ(count(shown, "\"dev\":\"sixin4\",\"protocol\":\"static\",\"metric\":1024"), 1U) << shown;
  EXPECT_EQ(count(shown, "\"table\""), 0U) << "ip(8) omits the table main: " << shown;

  netlink.remove_route(link_, route);
  netlink.remove_route(link_, route);
  EXPECT_EQ(count(run("ip -j -6 route show table all 2001:db8:5::/48"), "\"dst\":"), 0U);
}

TEST_F(NetlinkRoute, GoesToALargeTableWithItsMetric) {
  bring_up();
  Netlink netlink;
  const Ipv6Route heavy{.prefix = net6("::/0"), .table = 100000, .metric = 77};
  const Ipv6Route light{.prefix = net6("::/0"), .table = 100000, .metric = 5};
  EXPECT_TRUE(netlink.routes(link_, 100000).empty()) << "the table does not exist yet";
  netlink.add_route(link_, heavy);
  netlink.add_route(link_, light);
  auto shown = run("ip -j -6 route show table 100000");
  EXPECT_EQ(count(shown, "\"dst\":\"default\",\"dev\":\"sixin4\",\"protocol\":\"static\",\"metric\":77"), 1U)
      << shown;
  EXPECT_EQ(count(shown, "\"dst\":\"default\",\"dev\":\"sixin4\",\"protocol\":\"static\",\"metric\":5"), 1U)
      << shown;
  EXPECT_EQ(netlink.routes(link_, 100000), (std::vector{light, heavy}));

  netlink.remove_route(link_, light);
  shown = run("ip -j -6 route show table 100000");
  EXPECT_EQ(count(shown, "\"metric\":77"), 1U) << shown;
  EXPECT_EQ(count(shown, "\"metric\":5"), 0U) << shown;
}

TEST_F(NetlinkRoute, LosesItsHostBits) {
  bring_up();
  Netlink netlink;
  netlink.add_route(link_, {.prefix = net6("2001:db8:5::77/61"), .table = 100});
  const auto shown = run("ip -j -6 route show table 100");
  EXPECT_EQ(count(shown, "\"dst\":\"2001:db8:5::/61\""), 1U) << shown;
  EXPECT_EQ(netlink.routes(link_, 100),
            (std::vector{Ipv6Route{.prefix = net6("2001:db8:5::/61"), .table = 100, .metric = 1024}}));
}

TEST_F(NetlinkRoute, OfAnotherLinkIsInTheWayAndIsNotTakenForOurs) {
  bring_up();
  run("ip -6 route add ::/0 dev far");
  Netlink netlink;
  const auto failure = failure_of([&] { netlink.add_route(link_, {.prefix = net6("::/0")}); });
  EXPECT_EQ(failure.error, EEXIST);
  EXPECT_EQ(failure.text,
            "cannot add route ::/0 dev sixin4 (the host has such a route; choose another metric or "
            "table): File exists");
  netlink.add_route(link_, {.prefix = net6("::/0"), .metric = 2048});
  netlink.remove_route(link_, {.prefix = net6("::/0")});
  const auto shown = run("ip -j -6 route show default");
  EXPECT_EQ(count(shown, "\"dev\":\"far\""), 1U) << shown;
  EXPECT_EQ(count(shown, "\"dev\":\"sixin4\""), 1U) << shown;
}

TEST_F(NetlinkRoute, ListIsReadToItsEnd) {
  bring_up();
  constexpr std::size_t many = 3000;  // more than one datagram of the kernel holds
  run("for i in $(seq " + std::to_string(many) +
      "); do printf 'route add 2001:db8:%x::/48 dev sixin4 table 100\\n' $i; done | ip -6 -batch -");
  run("ip -6 route add 2001:db8::/48 dev far table 100 && ip -6 route add 2001:db8::/48 via fe80::1 dev "
      "sixin4 table 100 metric 9");
  EXPECT_EQ(Netlink().routes(link_, 100).size(), many);
}

TEST_F(NetlinkRule, IsAddedOnceAndRemovedOnce) {
  Netlink netlink;
  const Rule rule{
      .from = net6("2001:db8::/48"), .to = net6("2001:db8:1::/64"), .table = 100000, .priority = 77};
  netlink.add_rule(rule);
  netlink.add_rule(rule);
  const auto shown = run("ip -j -6 rule show priority 77");
  EXPECT_EQ(count(shown, "\"priority\""), 1U) << shown;
  EXPECT_EQ(count(shown, "\"src\":\"2001:db8::\",\"srclen\":48"), 1U) << shown;
  EXPECT_EQ(count(shown, "\"dst\":\"2001:db8:1::\",\"dstlen\":64"), 1U) << shown;
  EXPECT_EQ(count(shown, "\"table\":\"100000\",\"protocol\":\"41\""), 1U) << shown;
  EXPECT_EQ(count(run("ip -j -6 rule"), "\"priority\""), 3U) << "in addition to local and main";

  netlink.remove_rule(rule);
  netlink.remove_rule(rule);
  EXPECT_EQ(count(run("ip -j -6 rule"), "\"priority\""), 2U);
}

TEST_F(NetlinkRule, MayComeFromAllAndLosesHostBits) {
  Netlink netlink;
  netlink.add_rule({.from = {}, .to = net6("::/0"), .table = 100, .priority = 50});
  netlink.add_rule({.from = net6("2001:db8::7/64"), .table = 100, .priority = 60});
  auto shown = run("ip -j -6 rule show priority 50");
  EXPECT_EQ(count(shown, "\"src\":\"all\",\"table\":\"100\""), 1U) << shown;
  shown = run("ip -j -6 rule show priority 60");
  EXPECT_EQ(count(shown, "\"src\":\"2001:db8::\",\"srclen\":64,\"table\":\"100\""), 1U) << shown;
}

TEST_F(NetlinkRule, IsNotTakenForANarrowerOne) {
  Netlink netlink;
  const Rule plain{.from = net6("2001:db8::/48"), .table = 100, .priority = 77};
  Rule narrow = plain;
  narrow.to = net6("2001:db8:1::/64");
  Rule all = plain;
  all.from = {};
  netlink.add_rule(narrow);
  netlink.add_rule(plain);
  netlink.add_rule(all);
  netlink.add_rule(plain);
  netlink.add_rule(all);
  auto shown = run("ip -j -6 rule show priority 77");
  EXPECT_EQ(count(shown, "\"priority\""), 3U) << shown;
  netlink.remove_rule(all);
  shown = run("ip -j -6 rule show priority 77");
  EXPECT_EQ(count(shown, "\"priority\""), 2U) << shown;
  EXPECT_EQ(count(shown, "\"src\":\"2001:db8::\""), 2U) << shown;
  netlink.remove_rule(plain);
  shown = run("ip -j -6 rule show priority 77");
  EXPECT_EQ(count(shown, "\"priority\""), 1U) << shown;
  EXPECT_EQ(count(shown, "\"dst\":\"2001:db8:1::\",\"dstlen\":64"), 1U) << shown;
}

TEST_F(NetlinkRule, OfAnotherProtocolStays) {
  run("ip -6 rule add from 2001:db8::/48 table 100 priority 77 protocol boot");
  Netlink().remove_rule({.from = net6("2001:db8::/48"), .table = 100, .priority = 77});
  EXPECT_EQ(count(run("ip -j -6 rule show priority 77"), "\"priority\""), 1U);
}

TEST_F(NetlinkRule, OfAnotherProgramStaysWhereOursIsTheSameButForACondition) {
  run("ip -6 rule add from 2001:db8::/48 iif lo table 100 priority 77 protocol static");
  Netlink netlink;
  const Rule ours{.from = net6("2001:db8::/48"), .table = 100, .priority = 77};
  netlink.add_rule(ours);
  netlink.remove_rule(ours);
  const auto shown = run("ip -j -6 rule show priority 77");
  EXPECT_EQ(count(shown, "\"priority\""), 1U) << shown;
  EXPECT_EQ(count(shown, "\"iif\":\"lo\""), 1U) << shown;
}

TEST_F(NetlinkRule, WithMoreConditionsIsNotListed) {
  Netlink netlink;
  const Rule plain{.from = net6("2001:db8::/48"), .table = 100, .priority = 10};
  for (const std::string more : {"fwmark 1", "iif lo", "oif far", "tos 4", "ipproto 6", "uidrange 0-0",
                                 "suppress_prefixlength 0", "protocol boot"}) {
    run("ip -6 rule add from 2001:db8::/48 table 100 priority 10 " + more);
    EXPECT_EQ(std::ranges::count(netlink.rules(), plain), more == "protocol boot" ? 1 : 0) << more;
  }
  run("ip -6 rule add not from 2001:db8::/48 table 100 priority 11");
  run("ip -6 rule add from 2001:db8::/48 priority 12 prohibit");
  EXPECT_EQ(netlink.rules().size(), 3U) << "local, main and the one of protocol boot";
}

}  // namespace
}  // namespace sixin4::netlink::testing
