// The reconciler against a real kernel: tests remove objects with ip(8), and ip(8) shows whether they are
// restored.
#include "sixin4/netlink/host_network.hpp"

#include <array>
#include <cerrno>
#include <cstddef>
#include <optional>
#include <string>
#include <system_error>

#include <gtest/gtest.h>
#include <poll.h>

#include "sixin4/netlink/netlink.hpp"
#include "sixin4/netlink/netlink_monitor.hpp"

#include "own_network.hpp"

namespace sixin4::netlink::testing {
namespace {

/// A state with all kinds of objects in the forms that users write: host bits, no metric, a peer.
HostState everything() {
  return {
      .addresses = {on_link("2001:db8::2/64"),
                    {.address = ip6("2001:db8:1::2"), .length = 128, .peer = ip6("2001:db8:1::1")},
                    {.address = ip6("2001:db8:2::2"), .length = 64, .peer = ip6("2001:db8:2::2")}},
      .routes = {{.prefix = net6("::/0"), .table = 100000},
                 {.prefix = net6("2001:db8:5::5/48"), .metric = 7},
                 {.prefix = net6("2001:db8:6::/48"), .metric = 0}},
      .rules = {
          {.from = net6("2001:db8::2/64"), .table = 100000, .priority = 100},
          {.from = net6("2001:db8::/64"), .to = net6("2001:db8:9::/48"), .table = 100000, .priority = 100},
          {.from = net6("2001:db8:1::2/128"), .to = net6("::/0"), .table = 100000, .priority = 101}}};
}
constexpr std::size_t objects_in_everything = 9;

class HostNetworkTest : public OwnNetwork {
 protected:
  static std::string addresses() {
    return run("ip -6 -o addr show dev sixin4 scope global | awk '{print $4, $5, $6}'");
  }
  static std::string routes() { return run("ip -6 route show table all proto static | sed 's/linkdown //'"); }
  static std::string rules() { return run("ip -6 rule show | sed '/lookup local/d; /lookup main/d'"); }

  static void expect_everything() {
    const auto shown = run("ip -j -6 addr show dev sixin4");
    EXPECT_EQ(count(shown, "\"local\""), 3U) << shown;
    EXPECT_EQ(count(shown, "\"local\":\"2001:db8::2\",\"prefixlen\":64"), 1U) << shown;
    EXPECT_EQ(count(shown, "\"local\":\"2001:db8:1::2\",\"address\":\"2001:db8:1::1\",\"prefixlen\":128"), 1U)
        << shown;
    EXPECT_EQ(routes(),
              "default dev sixin4 table 100000 metric 1024 pref medium\n"
              "2001:db8:5::/48 dev sixin4 metric 7 pref medium\n"
              "2001:db8:6::/48 dev sixin4 metric 1024 pref medium\n");
    const auto listed = rules();
    EXPECT_EQ(count(listed, "\n"), 3U) << listed;
    EXPECT_EQ(count(listed, "100:\tfrom 2001:db8::/64 lookup 100000"), 1U) << listed;
    EXPECT_EQ(count(listed, "100:\tfrom 2001:db8::/64 to 2001:db8:9::/48 lookup 100000"), 1U) << listed;
    EXPECT_EQ(count(listed, "101:\tfrom 2001:db8:1::2 lookup 100000"), 1U) << listed;
  }

  static void expect_nothing() { EXPECT_EQ(addresses() + routes() + rules(), ""); }

  /// Restores after every event, as the endpoint does, until there is none for 200 ms. Returns the number of
  /// restorations.
  int restore_until_quiet(HostNetwork& host) {
    constexpr int endless = 100;
    constexpr int quiet_ms = 200;
    pollfd readable{monitor_->fd(), POLLIN, 0};
    int rounds = 0;
    while (rounds < endless && poll(&readable, 1, quiet_ms) > 0) {
      if (!monitor_->drain()) continue;
      host.restore();
      ++rounds;
    }
    EXPECT_LT(rounds, endless) << "restoring causes events";
    return rounds;
  }

  void SetUp() override {
    OwnNetwork::SetUp();
    if (IsSkipped()) return;
    bring_up();
    netlink_.emplace();
    monitor_.emplace(Subject::configuration);
  }

  std::optional<Netlink> netlink_;
  std::optional<NetlinkMonitor> monitor_;
};

TEST_F(HostNetworkTest, AppliesAndWithdraws) {
  HostNetwork host(*netlink_, link_);
  host.apply(everything());
  expect_everything();
  EXPECT_TRUE(host.withdraw());
  expect_nothing();
  EXPECT_EQ(host.state(), HostState{});
  EXPECT_EQ(host.restore(), 0U);
  expect_nothing();
  EXPECT_TRUE(host.withdraw());
}

TEST_F(HostNetworkTest, ItsEndWithdraws) {
  {
    HostNetwork host(*netlink_, link_);
    host.apply(everything());
  }
  expect_nothing();
}

TEST_F(HostNetworkTest, ANewStateReplacesOnlyWhatDiffers) {
  HostNetwork host(*netlink_, link_);
  host.apply(everything());
  // The lifetime that another program set shows whether the address was left alone.
  run("ip -6 addr change 2001:db8::2/64 dev sixin4 preferred_lft 5000 valid_lft 5000");

  HostState next = everything();
  next.addresses[1].peer.reset();
  next.routes[1].metric = 8;
  next.rules.erase(next.rules.begin());
  host.apply(next);
  const auto shown = run("ip -j -6 addr show dev sixin4");
  EXPECT_EQ(count(shown, "\"valid_life_time\":4294967295"), 2U) << shown;
  EXPECT_EQ(count(shown, "\"local\":\"2001:db8:1::2\",\"prefixlen\":128"), 1U) << shown;
  EXPECT_EQ(count(routes(), "2001:db8:5::/48 dev sixin4 metric 8 "), 1U) << routes();
  EXPECT_EQ(count(routes(), "2001:db8:5::/48"), 1U) << routes();
  EXPECT_EQ(count(rules(), "\n"), 2U) << rules();
  EXPECT_EQ(count(rules(), "to 2001:db8:9::/48"), 1U);
  host.apply({});
  expect_nothing();
}

TEST_F(HostNetworkTest, RestoresWhatSomebodyFlushed) {
  HostNetwork host(*netlink_, link_);
  host.apply(everything());
  run("ip -6 addr flush dev sixin4 && ip -6 route flush table 100000 && ip -6 rule del priority 101");
  EXPECT_EQ(host.restore(), 5U);
  expect_everything();
  run("ip -6 rule flush && ip -6 route flush dev sixin4 proto static");
  EXPECT_EQ(host.restore(), 5U) << "three rules and the two routes of the table main";
  run("ip -6 rule add table main priority 32766");
  expect_everything();
}

TEST_F(HostNetworkTest, RestoresAnAddressThatSomebodyChanged) {
  HostNetwork host(*netlink_, link_);
  host.apply(everything());
  run("ip -6 addr del 2001:db8::2/64 dev sixin4 && ip -6 addr add 2001:db8::2/56 dev sixin4 nodad");
  EXPECT_EQ(host.restore(), 1U);
  expect_everything();
}

TEST_F(HostNetworkTest, ALifetimeChangesWithoutTheAddress) {
  HostNetwork host(*netlink_, link_);
  HostState state{.addresses = {on_link("2001:db8::2/64")}};
  host.apply(state);
  const std::string before = run("ip -6 -o addr show dev sixin4 to 2001:db8::2");
  EXPECT_EQ(count(before, "deprecated"), 0U) << before;
  state.addresses[0].deprecated = true;
  EXPECT_EQ(host.apply(state), 1U);
  const std::string after = run("ip -6 -o addr show dev sixin4 to 2001:db8::2");
  EXPECT_EQ(count(after, "deprecated"), 1U) << after;
  EXPECT_EQ(count(after, "valid_lft forever preferred_lft 0sec"), 1U) << after;
  EXPECT_EQ(host.restore(), 0U);
  run("ip addr change 2001:db8::2/64 dev sixin4 preferred_lft forever");
  EXPECT_EQ(host.restore(), 1U) << "somebody has changed it";
  state.addresses[0].deprecated = false;
  EXPECT_EQ(host.apply(state), 1U);
  EXPECT_EQ(count(run("ip -6 -o addr show dev sixin4 to 2001:db8::2"), "deprecated"), 0U);
}

TEST_F(HostNetworkTest, LabelsComeAndGoWithTheState) {
  const auto labels = [] { return run("ip addrlabel list | grep sixin4 || true"); };
  HostNetwork host(*netlink_, link_);
  host.apply({.labels = {{.prefix = net6("2001:db8::2/128"), .label = 7}}});
  EXPECT_EQ(count(labels(), "prefix 2001:db8::2/128 dev sixin4 label 7"), 1U) << labels();
  run("ip addrlabel del prefix 2001:db8::2/128 dev sixin4 label 7");
  EXPECT_EQ(host.restore(), 1U);
  host.apply({.labels = {{.prefix = net6("2001:db8::2/128"), .label = 8}}});
  EXPECT_EQ(count(labels(), "label 8"), 1U) << labels();
  EXPECT_EQ(count(labels(), "label 7"), 0U) << labels();
  EXPECT_TRUE(host.withdraw());
  EXPECT_EQ(labels(), "");
}

TEST_F(HostNetworkTest, WaitsForTheLinkAndThenRestoresEverything) {
  HostNetwork host(*netlink_, link_);
  host.apply(everything());
  run("ip link set sixin4 down");
  EXPECT_EQ(host.restore(), 0U);
  EXPECT_EQ(addresses() + routes(), "") << "the kernel flushed them";
  run("ip link set sixin4 up");
  EXPECT_EQ(host.restore(), 6U) << "the rules outlived it";
  expect_everything();
}

TEST_F(HostNetworkTest, AppliedWhileTheLinkIsDownComesWithTheLink) {
  run("ip link set sixin4 down");
  HostNetwork host(*netlink_, link_);
  host.apply(everything());
  expect_nothing();
  run("ip link set sixin4 up");
  EXPECT_EQ(host.restore(), objects_in_everything);
  expect_everything();
}

TEST_F(HostNetworkTest, DoesNotAnswerItsOwnEvents) {
  HostNetwork host(*netlink_, link_);
  host.apply(everything());
  restore_until_quiet(host);
  EXPECT_EQ(host.restore(), 0U);
  EXPECT_FALSE(monitor_->drain()) << "a query causes no event";

  run("ip -6 addr flush dev sixin4");
  EXPECT_GE(restore_until_quiet(host), 1);
  run("ip link set sixin4 down");
  run("ip link set sixin4 up");
  EXPECT_GE(restore_until_quiet(host), 1);
  expect_everything();
}

// `restore` relies on this if another process adds the same object between its query and its request.
TEST_F(HostNetworkTest, ADuplicateCausesNoEvent) {
  HostNetwork host(*netlink_, link_);
  host.apply(everything());
  restore_until_quiet(host);
  for (const auto& address : host.state().addresses) netlink_->add_address(link_, address);
  for (const auto& route : host.state().routes) netlink_->add_route(link_, route);
  for (const auto& rule : host.state().rules) netlink_->add_rule(rule);
  EXPECT_FALSE(monitor_->drain());
}

TEST_F(HostNetworkTest, TakesOverTheRulesOfAKilledProcess) {
  for (const auto& rule : everything().rules) netlink_->add_rule(rule);
  HostNetwork host(*netlink_, link_);
  host.apply(everything());
  expect_everything();
  EXPECT_TRUE(host.withdraw());
  expect_nothing();
}

TEST_F(HostNetworkTest, WithdrawsItsRulesWhenTheLinkIsGone) {
  HostNetwork host(*netlink_, link_);
  host.apply(everything());
  run("ip link del sixin4");
  EXPECT_EQ(host.restore(), 0U);
  EXPECT_TRUE(host.withdraw());
  EXPECT_EQ(rules(), "");
}

TEST_F(HostNetworkTest, WithoutItsLinkItLeavesRoutesOfOthersAlone) {
  HostNetwork host(*netlink_, link_);
  host.apply(everything());
  run("ip link del sixin4");
  host.leave_link();
  run("ip link set lo up && ip -6 route add 2001:db8:5::/48 dev lo metric 7 proto static");
  host.apply({});
  EXPECT_EQ(routes(), "2001:db8:5::/48 dev lo metric 7 pref medium\n");
  EXPECT_EQ(rules(), "");
}

TEST_F(HostNetworkTest, SaysWhenItCouldNotWithdraw) {
  HostNetwork host(*netlink_, link_);
  host.apply(everything());
  {
    const WithoutNetAdmin lowered;
    EXPECT_EQ(host.restore(), 0U) << "restoring nothing needs no privilege";
    EXPECT_FALSE(host.withdraw());
  }
  expect_everything();
}

TEST_F(HostNetworkTest, LeavesAloneWhatIsNotItsOwn) {
  run("ip -6 addr add 2001:db8:aa::2/64 dev sixin4 nodad && ip -6 route add 2001:db8:ab::/48 dev sixin4 "
      "proto static");
  run("ip -6 rule add from 2001:db8:ac::/48 table 100000 priority 100");
  HostNetwork host(*netlink_, link_);
  host.apply(everything());
  host.apply({.addresses = {on_link("2001:db8::2/64")}, .routes = {}, .rules = {}});
  EXPECT_TRUE(host.withdraw());
  EXPECT_EQ(addresses(), "2001:db8:aa::2/64 scope global\n");
  EXPECT_EQ(routes(), "2001:db8:ab::/48 dev sixin4 metric 1024 pref medium\n");
  EXPECT_EQ(rules(), "100:\tfrom 2001:db8:ac::/48 lookup 100000\n");
}

TEST_F(HostNetworkTest, TheFormerStateCanComeBackAfterARefusal) {
  run("ip -6 route add 2001:db8:7::/48 dev far");
  HostNetwork host(*netlink_, link_);
  host.apply(everything());
  HostState refused = everything();
  refused.routes[0].prefix = net6("2001:db8:7::/48");
  refused.routes[0].table = main_table;
  try {
    host.apply(refused);
    ADD_FAILURE() << "the route of the other link should have been in the way";
  } catch (const std::system_error& error) {
    EXPECT_EQ(error.code().value(), EEXIST);
  }
  run("ip -6 route del 2001:db8:7::/48 dev far");
  host.apply(everything());
  expect_everything();
}

}  // namespace
}  // namespace sixin4::netlink::testing
