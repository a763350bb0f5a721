// The arguments and the text of `explain`.
#include "explanation_text.hpp"

#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

namespace sixin4::cli::testing {
namespace {

control::Explanation of_mail() {
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

TEST(Explanation, ArgumentsAreReadOrRefused) {
  const auto parse = [](const std::string& destination, std::vector<base::KeyValue> options) {
    return parse_explain_query(destination, {.options = std::move(options), .words = {}});
  };
  const control::ExplainQuery query =
      parse("2001:db8:9::1", {{"from", "2001:db8::1"}, {"proto", "udp"}, {"port", "53"}});
  EXPECT_EQ(query.protocol, 17);
  EXPECT_EQ(query.port, 53);
  EXPECT_EQ(parse("::1", {}).protocol, 6);
  EXPECT_THROW((void)parse("192.0.2.1", {}), base::ConfigurationError);
  EXPECT_THROW((void)parse("::1", {{"from", "eth0"}}), base::ConfigurationError);
  EXPECT_THROW((void)parse("::1", {{"proto", "smtp"}}), base::ConfigurationError);
  EXPECT_THROW((void)parse("::1", {{"port", "65536"}}), base::ConfigurationError);
}

TEST(Explanation, NamesTheSourceInTheTunnelAndTheRule) {
  EXPECT_EQ(explanation_text(to_json(of_mail())),
            "2001:db8:9::1 from 2001:db8:41::2 (the only address)\n"
            "  route    default dev he6 table main\n"
            "  source   leaves as 2001:db8:42::25 (rule 3: proto tcp port 25 use mail)\n"
            "  mtu      1480\n"
            "  verdict  pass\n");
}

TEST(Explanation, EveryOutcomeHasItsWords) {
  const auto source_line = [](const control::Explanation& explanation) {
    const std::string text = explanation_text(to_json(explanation));
    const std::size_t start = text.find("source   ") + 9;
    return text.substr(start, text.find('\n', start) - start);
  };
  control::Explanation kept = of_mail();
  kept.rule = 0;
  kept.rule_text.clear();
  kept.leaves_as = kept.source;
  EXPECT_EQ(source_line(kept), "is kept (no rule matches)");
  control::Explanation by_chance = of_mail();
  by_chance.leaves_as.clear();
  by_chance.pool = "mail: 2001:db8:42::/64";
  EXPECT_EQ(source_line(by_chance),
            "leaves as one of mail: 2001:db8:42::/64 (rule 3: proto tcp port 25 use mail)");
  control::Explanation rejected = of_mail();
  rejected.leaves_as.clear();
  rejected.verdict = "source-rejected";
  EXPECT_EQ(source_line(rejected), "does not leave (rule 3: proto tcp port 25 use mail)");
}

TEST(Explanation, AVerdictMayHaveAReason) {
  control::Explanation lost = of_mail();
  lost.verdict = "wire-error";
  lost.verdict_reason = "no IPv4 path to 192.0.2.2: this host has no route to it";
  const std::string text = explanation_text(to_json(lost));
  EXPECT_NE(text.find("  verdict  wire-error (no IPv4 path to 192.0.2.2: this host has no route to it)\n"),
            std::string::npos)
      << text;
}

TEST(Explanation, APacketThatStaysOutsideHasNoVerdict) {
  control::Explanation elsewhere = of_mail();
  elsewhere.enters_tunnel = false;
  elsewhere.route = "2001:db8:9::/48 dev eth0 table main";
  const std::string text = to_json(elsewhere);
  EXPECT_EQ(text.find("verdict"), std::string::npos) << text;
  EXPECT_EQ(explanation_text(text),
            "2001:db8:9::1 from 2001:db8:41::2 (the only address)\n"
            "  route    2001:db8:9::/48 dev eth0 table main\n"
            "  verdict  does not enter the tunnel\n");
  EXPECT_EQ(explanation_text(to_json(control::Explanation{.destination = "2001:db8:9::1"})),
            "2001:db8:9::1 from none\n  route    none\n  verdict  does not enter the tunnel\n");
}

}  // namespace
}  // namespace sixin4::cli::testing
