// Questions and answers of `explain` as they travel and are printed.
#include "sixin4/control/explanation.hpp"

#include <gtest/gtest.h>

#include "sixin4/base/options.hpp"

#include "../netlink/own_network.hpp"

namespace sixin4::control::testing {
namespace {

using namespace netlink::testing;

Explanation of_mail() {
  return {.destination = "2001:db8:9::1",
          .source = "2001:db8:41::2",
          .source_reason = "the only address",
          .route = "default dev he6 table main",
          .enters_tunnel = true,
          .rule = 3,
          .rule_text = "proto tcp port 25 use mail",
          .leaves_as = "2001:db8:42::25",
          .mtu = 1480,
          .verdict = "pass"};
}

TEST(Explanation, AQuestionTravelsWhole) {
  const ExplainQuery query{
      .destination = ip6("2001:db8:9::1"), .from = ip6("2001:db8:41::2"), .protocol = 17, .port = 53};
  const auto read = explain_query_of(explain_request(query));
  ASSERT_TRUE(read);
  EXPECT_EQ(read->destination, query.destination);
  EXPECT_EQ(read->from, query.from);
  EXPECT_EQ(read->protocol, 17);
  EXPECT_EQ(read->port, 53);
  EXPECT_FALSE(explain_query_of(explain_request({.destination = query.destination}))->from);
  for (const char* other : {"show", "explain", "explain {}", "explain {", R"(explain {"destination":"x"})"}) {
    EXPECT_FALSE(explain_query_of(other)) << other;
  }
}

TEST(Explanation, ArgumentsAreReadOrRefused) {
  const ExplainQuery query = parse_explain_query("2001:db8:9::1", "2001:db8::1", "udp", "53");
  EXPECT_EQ(query.protocol, 17);
  EXPECT_EQ(query.port, 53);
  EXPECT_EQ(parse_explain_query("::1", {}, {}, {}).protocol, 6);
  EXPECT_THROW((void)parse_explain_query("192.0.2.1", {}, {}, {}), base::ConfigurationError);
  EXPECT_THROW((void)parse_explain_query("::1", "eth0", {}, {}), base::ConfigurationError);
  EXPECT_THROW((void)parse_explain_query("::1", {}, "smtp", {}), base::ConfigurationError);
  EXPECT_THROW((void)parse_explain_query("::1", {}, {}, "65536"), base::ConfigurationError);
}

TEST(Explanation, SaysWhatLeavesAndWhy) {
  EXPECT_EQ(explanation_text(to_json(of_mail())),
            "2001:db8:9::1 from 2001:db8:41::2 (the only address)\n"
            "  route    default dev he6 table main\n"
            "  source   leaves as 2001:db8:42::25 (rule 3: proto tcp port 25 use mail)\n"
            "  mtu      1480\n"
            "  verdict  pass\n");
}

TEST(Explanation, EveryOutcomeHasItsWords) {
  const auto source_line = [](const Explanation& explanation) {
    const std::string text = explanation_text(to_json(explanation));
    const std::size_t start = text.find("source   ") + 9;
    return text.substr(start, text.find('\n', start) - start);
  };
  Explanation kept = of_mail();
  kept.rule = 0;
  kept.rule_text.clear();
  kept.leaves_as = kept.source;
  EXPECT_EQ(source_line(kept), "is kept (no rule matches)");
  Explanation by_chance = of_mail();
  by_chance.leaves_as.clear();
  by_chance.pool = "mail: 2001:db8:42::/64";
  EXPECT_EQ(source_line(by_chance),
            "leaves as one of mail: 2001:db8:42::/64 (rule 3: proto tcp port 25 use mail)");
  Explanation rejected = of_mail();
  rejected.leaves_as.clear();
  rejected.verdict = "source-rejected";
  EXPECT_EQ(source_line(rejected), "does not leave (rule 3: proto tcp port 25 use mail)");
}

TEST(Explanation, AVerdictMayHaveAReason) {
  Explanation lost = of_mail();
  lost.verdict = "wire-error";
  lost.verdict_reason = "no IPv4 path to 192.0.2.2: this host has no route to it";
  const std::string text = explanation_text(to_json(lost));
  EXPECT_NE(text.find("  verdict  wire-error (no IPv4 path to 192.0.2.2: this host has no route to it)\n"),
            std::string::npos)
      << text;
}

TEST(Explanation, WhatDoesNotEnterTheTunnelHasNoVerdict) {
  Explanation elsewhere = of_mail();
  elsewhere.enters_tunnel = false;
  elsewhere.route = "2001:db8:9::/48 dev eth0 table main";
  const std::string text = to_json(elsewhere);
  EXPECT_EQ(text.find("verdict"), std::string::npos) << text;
  EXPECT_EQ(explanation_text(text),
            "2001:db8:9::1 from 2001:db8:41::2 (the only address)\n"
            "  route    2001:db8:9::/48 dev eth0 table main\n"
            "  verdict  does not enter the tunnel\n");
  EXPECT_EQ(explanation_text(to_json({.destination = "2001:db8:9::1"})),
            "2001:db8:9::1 from none\n  route    none\n  verdict  does not enter the tunnel\n");
}

}  // namespace
}  // namespace sixin4::control::testing
