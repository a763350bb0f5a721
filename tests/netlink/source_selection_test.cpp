// The deciding rule of RFC 6724 §5 for hosts with given addresses.
#include "sixin4/netlink/source_selection.hpp"

#include <optional>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "own_network.hpp"

namespace sixin4::netlink::testing {
namespace {

constexpr int tunnel = 5;
constexpr int uplink = 2;

/// The default labels of the kernel (net/ipv6/addrlabel.c).
const std::vector<PolicyLabel> default_labels{{.prefix = net6("::/0"), .label = 1},
                                              {.prefix = net6("fc00::/7"), .label = 5},
                                              {.prefix = net6("2002::/16"), .label = 2},
                                              {.prefix = net6("::1/128"), .label = 0},
                                              {.prefix = net6("::ffff:0:0/96"), .label = 4}};

HostAddress on(int link, const std::string& address, bool deprecated = false) {
  return {.address = ip6(address), .prefix_length = 64, .link_index = link, .deprecated = deprecated};
}

std::optional<SourceReason> reason(const std::string& chosen, const std::string& destination,
                                   const std::vector<HostAddress>& addresses,
                                   const std::vector<PolicyLabel>& labels = default_labels) {
  return reason_for(ip6(chosen), ip6(destination), tunnel, addresses, labels);
}

void expect(int rule, const std::string& rival, const std::optional<SourceReason>& found) {
  ASSERT_TRUE(found);
  EXPECT_EQ(found->rule, rule);
  EXPECT_EQ(found->rival, ip6(rival));
}

TEST(SourceSelection, TheOnlyAddressNeedsNoRule) {
  const auto found = reason("2001:db8:41::2", "2001:db8:9::1", {on(tunnel, "2001:db8:41::2")});
  ASSERT_TRUE(found);
  EXPECT_EQ(found->rule, 0);
  EXPECT_TRUE(found->rival.is_unspecified());
}

TEST(SourceSelection, EveryRuleDecidesInItsTurn) {
  expect(1, "2001:db8:41::3",
         reason("2001:db8:41::2", "2001:db8:41::2",
                {on(tunnel, "2001:db8:41::2"), on(tunnel, "2001:db8:41::3")}));
  expect(2, "fe80::1",
         reason("2001:db8:41::2", "2001:db8:9::1", {on(tunnel, "2001:db8:41::2"), on(tunnel, "fe80::1")}));
  expect(3, "2001:db8:41::3",
         reason("2001:db8:41::2", "2001:db8:9::1",
                {on(tunnel, "2001:db8:41::2"), on(tunnel, "2001:db8:41::3", true)}));
  expect(
      5, "2001:db8:1::5",
      reason("2001:db8:41::2", "2001:db8:9::1", {on(uplink, "2001:db8:1::5"), on(tunnel, "2001:db8:41::2")}));
  expect(6, "2002:c000:201::1",
         reason("2001:db8:41::2", "2001:db8:9::1",
                {on(tunnel, "2002:c000:201::1"), on(tunnel, "2001:db8:41::2")}));
  expect(
      8, "2001:db8:41::2",
      reason("2001:db8:9::2", "2001:db8:9::1", {on(tunnel, "2001:db8:41::2"), on(tunnel, "2001:db8:9::2")}));
}

TEST(SourceSelection, TheClosestRivalIsNamed) {
  expect(5, "2001:db8:1::5",
         reason("2001:db8:41::2", "2001:db8:9::1",
                {on(uplink, "2001:db8:1::5"), on(tunnel, "2001:db8:41::2"), on(tunnel, "fe80::1"),
                 on(tunnel, "2001:db8:41::3", true)}));
}

TEST(SourceSelection, ALabelOfALinkCountsOnThatLink) {
  std::vector<PolicyLabel> labels = default_labels;
  labels.push_back({.prefix = net6("2001:db8:9::/48"), .link_index = 0, .label = 99});
  labels.push_back({.prefix = net6("2001:db8:41::2/128"), .link_index = tunnel, .label = 99});
  const std::vector<HostAddress> addresses{on(tunnel, "2001:db8:41::2"), on(tunnel, "2001:db8:8::3")};
  expect(6, "2001:db8:8::3", reason("2001:db8:41::2", "2001:db8:9::1", addresses, labels));
  labels.back().link_index = uplink;
  EXPECT_FALSE(reason("2001:db8:41::2", "2001:db8:9::1", addresses, labels));
}

TEST(SourceSelection, ATieIsOne) {
  expect(0, "2001:db8:41::3",
         reason("2001:db8:41::2", "2001:db8:9::1",
                {on(tunnel, "2001:db8:41::2"), on(tunnel, "2001:db8:41::3")}));
}

TEST(SourceSelection, WhatWouldLoseIsNamedByARoute) {
  EXPECT_FALSE(
      reason("2001:db8:1::5", "2001:db8:9::1", {on(uplink, "2001:db8:1::5"), on(tunnel, "2001:db8:41::2")}));
  EXPECT_FALSE(reason("2001:db8:77::1", "2001:db8:9::1", {on(tunnel, "2001:db8:41::2")}))
      << "not an address of the host";
}

TEST(SourceSelection, LinkLocalAddressesOfOtherLinksAreNoCandidates) {
  const auto found =
      reason("fe80::1", "fe80::2", {on(tunnel, "fe80::1"), on(uplink, "fe80::5"), on(1, "::1")});
  ASSERT_TRUE(found);
  EXPECT_TRUE(found->rival.is_unspecified());
}

}  // namespace
}  // namespace sixin4::netlink::testing
