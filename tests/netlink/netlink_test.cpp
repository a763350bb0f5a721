// Netlink against a real kernel: what it does is read back with ip(8).
#include "sixin4/netlink/netlink.hpp"

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <functional>
#include <string>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "own_network.hpp"

namespace sixin4::netlink::testing {
namespace {

constexpr int no_such_link = 9999;

/// A tun device with its queue attached; index 0 when it is refused.
class Tun {
 public:
  explicit Tun(const std::string& name) : fd_(open("/dev/net/tun", O_RDWR | O_CLOEXEC)) {
    ifreq request{};
    name.copy(request.ifr_name, IFNAMSIZ - 1);
    request.ifr_flags = IFF_TUN | IFF_NO_PI;
    if (ioctl(fd_, TUNSETIFF, &request) == 0) index_ = static_cast<int>(if_nametoindex(name.c_str()));
  }
  ~Tun() { close(fd_); }
  Tun(const Tun&) = delete;
  Tun& operator=(const Tun&) = delete;
  Tun(Tun&&) = delete;
  Tun& operator=(Tun&&) = delete;

  [[nodiscard]] int index() const noexcept { return index_; }

 private:
  int fd_;
  int index_ = 0;
};

struct Refusal {
  int error = 0;
  std::string text;
};

Refusal refusal_of(const std::function<void()>& operation) {
  try {
    operation();
  } catch (const std::system_error& error) {
    return {error.code().value(), error.what()};
  }
  return {};
}

class NetlinkLink : public OwnNetwork {
 protected:
  void SetUp() override {
    OwnNetwork::SetUp();
    if (!IsSkipped()) run("ip link set sixin4 address 02:00:00:00:00:01");
  }
  /// The link as it is but for these.
  [[nodiscard]] Link expected(std::uint32_t mtu, bool up) const {
    return {.index = link_,
            .name = "sixin4",
            .mtu = mtu,
            .up = up,
            .ethernet = wire::MacAddress{{2, 0, 0, 0, 0, 1}}};
  }
};
class NetlinkAddress : public OwnNetwork {};
class NetlinkRoute : public OwnNetwork {};
class NetlinkRule : public OwnNetwork {};
class NetlinkPath : public OwnNetwork {};
class NetlinkRefusal : public OwnNetwork {};

TEST_F(NetlinkLink, IsFoundByNameAndByIndex) {
  Netlink netlink;
  EXPECT_EQ(netlink.link("sixin4"), expected(1500, false));
  EXPECT_EQ(netlink.link(link_), expected(1500, false));
}

TEST_F(NetlinkLink, ThatDoesNotExistIsNothing) {
  Netlink netlink;
  EXPECT_FALSE(netlink.link("nowhere"));
  EXPECT_FALSE(netlink.link(""));
  EXPECT_FALSE(netlink.link("a-name-that-no-link-can-have"));
  EXPECT_FALSE(netlink.link(no_such_link));
  EXPECT_FALSE(netlink.link(0));
  EXPECT_FALSE(netlink.link(-1));
}

TEST_F(NetlinkLink, TakesItsSettingsAndLeavesTheOthers) {
  Netlink netlink;
  netlink.configure_link(link_, {.mtu = 1480, .txqueuelen = 4000, .up = true});
  EXPECT_EQ(netlink.link(link_), expected(1480, true));
  auto shown = run("ip -j link show sixin4");
  EXPECT_EQ(count(shown, "\"mtu\":1480"), 1U) << shown;
  EXPECT_EQ(count(shown, "\"txqlen\":4000"), 1U) << shown;
  EXPECT_EQ(count(shown, "\"UP\""), 1U) << shown;

  netlink.configure_link(link_, {.mtu = 1280});
  netlink.configure_link(link_, {});
  EXPECT_EQ(netlink.link(link_), expected(1280, true));
  netlink.configure_link(link_, {.up = false});
  shown = run("ip -j link show sixin4");
  EXPECT_EQ(count(shown, "\"UP\""), 0U) << shown;
  EXPECT_EQ(count(shown, "\"txqlen\":4000"), 1U) << shown;
}

// On a tun device, because its carrier is there at once: the kernel makes the address within the request.
TEST_F(NetlinkLink, ComesUpWithoutALinkLocalAddressWhenToldSo) {
  const Tun with("with");
  const Tun without("without");
  if (with.index() == 0 || without.index() == 0) GTEST_SKIP() << "needs /dev/net/tun";
  Netlink netlink;
  netlink.configure_link(with.index(), {.up = true});
  netlink.configure_link(without.index(), {.up = true, .addrgenmode_none = true});
  EXPECT_EQ(count(run("ip -j -6 addr show dev with"), "\"local\":\"fe80:"), 1U);
  EXPECT_EQ(count(run("ip -j -6 addr show dev without"), "\"local\""), 0U);
}

TEST_F(NetlinkAddress, IsAddedOnceAndRemovedOnce) {
  bring_up();
  Netlink netlink;
  const auto address = on_link("2001:db8::2/64");
  netlink.add_address(link_, address);
  netlink.add_address(link_, address);
  const auto shown = run("ip -j -6 addr show dev sixin4");
  EXPECT_EQ(count(shown, "\"local\":\"2001:db8::2\",\"prefixlen\":64,\"scope\":\"global\",\"nodad\":true"),
            1U)
      << shown;
  EXPECT_EQ(count(shown, "\"tentative\""), 0U) << shown;
  EXPECT_EQ(netlink.addresses(link_), std::vector{address});
  EXPECT_TRUE(netlink.addresses(far_).empty());

  netlink.remove_address(link_, address);
  netlink.remove_address(link_, address);
  EXPECT_EQ(count(run("ip -j -6 addr show dev sixin4"), "\"local\""), 0U);
  EXPECT_TRUE(netlink.addresses(link_).empty());
}

TEST_F(NetlinkAddress, MayHaveAPeer) {
  bring_up();
  Netlink netlink;
  const InterfaceAddress address{.address = ip6("2001:db8::2"), .length = 64, .peer = ip6("2001:db8:1::1")};
  netlink.add_address(link_, address);
  netlink.add_address(link_, address);
  const auto shown = run("ip -j -6 addr show dev sixin4");
  EXPECT_EQ(count(shown, "\"local\":\"2001:db8::2\",\"address\":\"2001:db8:1::1\",\"prefixlen\":64"), 1U)
      << shown;
  EXPECT_EQ(netlink.addresses(link_), std::vector{address});
  netlink.remove_address(link_, address);
  EXPECT_EQ(count(run("ip -j -6 addr show dev sixin4"), "\"local\""), 0U);
}

TEST_F(NetlinkAddress, ThatIsItsOwnPeerIsListedWithout) {
  Netlink netlink;
  const auto address = ip6("2001:db8::2");
  netlink.add_address(link_, {.address = address, .length = 64, .peer = address});
  EXPECT_EQ(netlink.addresses(link_), std::vector{on_link("2001:db8::2/64")});
}

TEST_F(NetlinkAddress, InAnotherFormIsInTheWay) {
  Netlink netlink;
  netlink.add_address(link_, on_link("2001:db8::2/64"));
  const auto refusal = refusal_of([&] { netlink.add_address(link_, on_link("2001:db8::2/48")); });
  EXPECT_EQ(refusal.error, EEXIST);
  EXPECT_TRUE(refusal.text.starts_with("cannot add address 2001:db8::2/48 dev sixin4: ")) << refusal.text;
  EXPECT_TRUE(refusal.text.ends_with("File exists")) << refusal.text;
}

TEST_F(NetlinkRoute, IsAddedOnceAndRemovedOnce) {
  bring_up();
  Netlink netlink;
  const Ipv6Route route{.prefix = net6("2001:db8:5::/48")};
  netlink.add_route(link_, route);
  netlink.add_route(link_, route);
  const auto shown = run("ip -j -6 route show table all 2001:db8:5::/48");
  EXPECT_EQ(count(shown, "\"dst\":"), 1U) << shown;
  EXPECT_EQ(count(shown, "\"dev\":\"sixin4\",\"protocol\":\"static\",\"metric\":1024"), 1U) << shown;
  EXPECT_EQ(count(shown, "\"table\""), 0U) << "main needs no mention: " << shown;

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
  const auto refusal = refusal_of([&] { netlink.add_route(link_, {.prefix = net6("::/0")}); });
  EXPECT_EQ(refusal.error, EEXIST);
  EXPECT_EQ(refusal.text,
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
  constexpr std::size_t many = 3000;  // some datagrams' worth
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
  EXPECT_EQ(count(run("ip -j -6 rule"), "\"priority\""), 3U) << "besides local and main";

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
  EXPECT_EQ(netlink.link(link_).value().ethernet, std::nullopt) << "neighbours are not resolved there";
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
  EXPECT_EQ(count(run("ip neigh show 192.0.2.3"), "192.0.2.3"), 0U) << "no entry is made";
  netlink.verify_neighbour(no_such_link, ip4("192.0.2.3"));
}

TEST_F(NetlinkPath, AVerifiedNeighbourKeepsItsProtocolAndFlags) {
  bring_up();
  run("ip addr add 192.0.2.1/24 dev sixin4");
  Netlink netlink;
  run("ip neigh replace 192.0.2.2 lladdr 02:00:00:00:00:02 dev sixin4 nud stale protocol static");
  netlink.verify_neighbour(link_, ip4("192.0.2.2"));
  EXPECT_EQ(count(run("ip -d neigh show 192.0.2.2"), "proto static"), 1U);
  // The kernel itself keeps such an entry resolved, so that its state changes.
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

TEST_F(NetlinkRefusal, NamesALinkThatDoesNotExist) {
  Netlink netlink;
  const auto refusal = refusal_of(
      [&] { netlink.add_route(no_such_link, {.prefix = net6("2001:db8::/32"), .table = 100, .metric = 5}); });
  EXPECT_EQ(refusal.error, ENODEV);
  EXPECT_EQ(refusal.text, "cannot add route 2001:db8::/32 dev if9999 table 100 metric 5: No such device");
  EXPECT_EQ(refusal_of([&] { netlink.configure_link(no_such_link, {.mtu = 1280, .up = true}); }).text,
            "cannot set link if9999 mtu 1280 up: No such device");
  EXPECT_EQ(refusal_of([&] { netlink.add_address(no_such_link, on_link("2001:db8::2/64")); }).error, ENODEV);
  EXPECT_EQ(refusal_of([&] {
              static_cast<void>(netlink.path_to({.destination = ip4("192.0.2.1"), .oif = no_such_link}));
            }).error,
            ENODEV);
}

TEST_F(NetlinkRefusal, OfWhatIsOnALinkThatDoesNotExistIsNone) {
  Netlink netlink;
  EXPECT_TRUE(netlink.addresses(no_such_link).empty());
  EXPECT_TRUE(netlink.routes(no_such_link, main_table).empty());
  netlink.remove_address(no_such_link, on_link("2001:db8::2/64"));
  netlink.remove_route(no_such_link, {.prefix = net6("2001:db8::/32")});
}

TEST_F(NetlinkRefusal, CarriesTheKernelsExplanation) {
  Netlink netlink;
  const auto refusal = refusal_of([&] { netlink.add_route(link_, {.prefix = net6("2001:db8::/32")}); });
  EXPECT_EQ(refusal.error, ENETDOWN);
  EXPECT_EQ(refusal.text,
            "cannot add route 2001:db8::/32 dev sixin4: Nexthop device is not up: Network is down");
}

TEST_F(NetlinkRefusal, OfThePrivilegeNamesTheOperation) {
  bring_up();
  Netlink netlink;
  const InterfaceAddress address{.address = ip6("2001:db8::2"), .length = 64, .peer = ip6("2001:db8::1")};
  const Ipv6Route route{.prefix = net6("2001:db8::/32"), .table = 100};
  const Rule rule{.from = net6("2001:db8::/32"), .table = 100, .priority = 9};
  const WithoutNetAdmin lowered;
  const std::string reason = ": Operation not permitted";
  EXPECT_EQ(refusal_of([&] { netlink.add_route(link_, route); }).text,
            "cannot add route 2001:db8::/32 dev sixin4 table 100" + reason);
  EXPECT_EQ(refusal_of([&] { netlink.remove_route(link_, route); }).text,
            "cannot remove route 2001:db8::/32 dev sixin4 table 100" + reason);
  EXPECT_EQ(refusal_of([&] { netlink.add_address(link_, address); }).text,
            "cannot add address 2001:db8::2 peer 2001:db8::1/64 dev sixin4" + reason);
  EXPECT_EQ(refusal_of([&] { netlink.add_rule(rule); }).text,
            "cannot add rule from 2001:db8::/32 table 100 priority 9" + reason);
  EXPECT_EQ(
      refusal_of([&] { netlink.add_rule({.from = {}, .to = net6("2001:db8::/64"), .priority = 9}); }).text,
      "cannot add rule from all to 2001:db8::/64 table main priority 9" + reason);
  EXPECT_EQ(refusal_of([&] { netlink.configure_link(link_, {.up = false, .addrgenmode_none = true}); }).text,
            "cannot set link sixin4 addrgenmode none down" + reason);
  EXPECT_EQ(netlink.link("sixin4").value().index, link_) << "looking needs no privilege";
}

TEST_F(NetlinkRefusal, LeavesTheSocketUsable) {
  Netlink first;
  Netlink netlink = std::move(first);
  EXPECT_NE(refusal_of([&] { netlink.add_address(no_such_link, on_link("2001:db8::2/64")); }).error, 0);
  netlink.add_address(link_, on_link("2001:db8::2/64"));
  EXPECT_EQ(netlink.addresses(link_).size(), 1U);
}

}  // namespace
}  // namespace sixin4::netlink::testing
