// The addresses, routes and rules of the host that follow from a configuration.
#include "host_plan.hpp"

#include <vector>

#include <gtest/gtest.h>

#include "../netlink/own_network.hpp"

namespace sixin4::tunnel::testing {
namespace {

using namespace netlink::testing;

using Prefixes = std::vector<wire::Ipv6Prefix>;

const wire::Ipv4Address local{{192, 0, 2, 1}};
const netlink::InterfaceAddress link_local{.address = ip6("fe80::c000:201"), .length = 64};

config::Configuration full() {
  config::Configuration configuration;
  configuration.remote = "192.0.2.2";
  configuration.addresses = {on_link("2001:db8::2/64"), on_link("2001:db8::5/64")};
  configuration.addresses[1].peer = ip6("2001:db8::1");
  configuration.prefixes = {net6("2001:db8:1::/48"), net6("2001:db8:2::/64")};
  configuration.routes = {net6("::/0"), net6("2000::/3")};
  return configuration;
}

TEST(HostPlanTest, AnEmptyConfigurationStillHasTheLinkLocalAddress) {
  EXPECT_EQ(host_state_of({}, local),
            (netlink::HostState{.addresses = {link_local}, .routes = {}, .rules = {}}));
}

TEST(HostPlanTest, TheLinkLocalAddressContainsTheIpv4Address) {
  const netlink::HostState state = host_state_of(full(), ip4("198.51.100.254"));
  ASSERT_FALSE(state.addresses.empty());
  EXPECT_EQ(to_string(state.addresses[0]), "fe80::c633:64fe/64");
}

TEST(HostPlanTest, InTheMainTableThereAreNoRules) {
  const config::Configuration configuration = full();
  const netlink::HostState state = host_state_of(configuration, local);
  EXPECT_EQ(state.addresses,
            (std::vector{link_local, configuration.addresses[0], configuration.addresses[1]}));
  EXPECT_EQ(state.routes, (std::vector{netlink::Ipv6Route{.prefix = net6("::/0")},
                                       netlink::Ipv6Route{.prefix = net6("2000::/3")}}));
  EXPECT_TRUE(state.rules.empty());
}

TEST(HostPlanTest, RoutesHaveTheConfiguredTableAndMetric) {
  config::Configuration configuration = full();
  configuration.table = 100;
  configuration.metric = 7;
  EXPECT_EQ(host_state_of(configuration, local).routes,
            (std::vector{netlink::Ipv6Route{.prefix = net6("::/0"), .table = 100, .metric = 7},
                         netlink::Ipv6Route{.prefix = net6("2000::/3"), .table = 100, .metric = 7}}));
}

TEST(HostPlanTest, AnotherTableHasARuleForEachOwnSource) {
  config::Configuration configuration = full();
  configuration.table = 100;
  const auto of = [](const char* from) {
    return netlink::Rule{.from = net6(from), .table = 100, .priority = 20641};
  };
  const auto inside = [](const char* prefix) {
    return netlink::Rule{
        .from = net6(prefix), .to = net6(prefix), .table = netlink::main_table, .priority = 20640};
  };
  EXPECT_EQ(host_state_of(configuration, local).rules,
            (std::vector{of("2001:db8::2/128"), of("2001:db8::5/128"), of("2001:db8:1::/48"),
                         of("2001:db8:2::/64"), inside("2001:db8:1::/48"), inside("2001:db8:2::/64")}));
}

TEST(HostPlanTest, TheRulePrioritiesAreOwnPrefixThenSourceThenMain) {
  EXPECT_LT(own_prefix_rule_priority, source_rule_priority);
  EXPECT_LT(source_rule_priority, 32766U);
}

TEST(HostPlanTest, OwnPrefixesAreHostAddressesAndPrefixes) {
  EXPECT_EQ(own_prefixes({}), Prefixes{});
  EXPECT_EQ(own_prefixes(full()), (Prefixes{net6("2001:db8::2/128"), net6("2001:db8::5/128"),
                                            net6("2001:db8:1::/48"), net6("2001:db8:2::/64")}))
      << "neither the far end's addresses nor the routes";
}

wire::Ipv6Address far_end(const std::vector<netlink::InterfaceAddress>& addresses) {
  config::Configuration configuration;
  configuration.addresses = addresses;
  return far_end_of(configuration, ip4("192.0.2.2"));
}

TEST(HostPlanTest, TheFarEndIsThePeerFirst) {
  EXPECT_EQ(far_end_of(full(), ip4("192.0.2.2")), ip6("2001:db8::1"));
  netlink::InterfaceAddress second = on_link("2001:db8::5/64");
  second.peer = ip6("2001:db8:9::9");
  EXPECT_EQ(far_end({on_link("2001:db8::2/64"), second}), ip6("2001:db8:9::9"));
}

TEST(HostPlanTest, WithoutAPeerTheFarEndIsTheFirstOtherAddressOfThePrefix) {
  EXPECT_EQ(far_end({on_link("2001:db8::2/64")}), ip6("2001:db8::1"));
  EXPECT_EQ(far_end({on_link("2001:db8::1/64")}), ip6("2001:db8::2"));
  EXPECT_EQ(far_end({on_link("2001:db8::fe/126")}), ip6("2001:db8::fd"));
  EXPECT_EQ(far_end({on_link("2001:db8::4/127")}), ip6("2001:db8::5"));
  EXPECT_EQ(far_end({on_link("2001:db8::5/127")}), ip6("2001:db8::4"));
  EXPECT_EQ(far_end({on_link("2001:db8::9/128"), on_link("2001:db8:7::2/64")}), ip6("2001:db8:7::1"));
}

TEST(HostPlanTest, TheFarEndIsNeverThisHost) {
  EXPECT_EQ(far_end({on_link("2001:db8::1/64"), on_link("2001:db8::2/64")}), ip6("2001:db8::3"));
  EXPECT_EQ(far_end({on_link("2001:db8::4/127"), on_link("2001:db8::5/127")}), ip6("fe80::c000:202"));
}

TEST(HostPlanTest, WithoutAPrefixTheFarEndIsItsLinkLocalAddress) {
  EXPECT_EQ(far_end({}), ip6("fe80::c000:202"));
  EXPECT_EQ(far_end({on_link("2001:db8::9/128")}), ip6("fe80::c000:202"));
}

}  // namespace
}  // namespace sixin4::tunnel::testing
