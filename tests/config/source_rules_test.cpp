// Pools, source rules and their tables in a configuration.
#include "sixin4/config/source_rules.hpp"

#include <filesystem>
#include <fstream>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "../netlink/own_network.hpp"
#include "configuration_fixture.hpp"

namespace sixin4::config::testing {
namespace {

using namespace netlink::testing;

const std::string own_addresses =
    "remote = 192.0.2.2\naddress = 2001:db8:41::2/64\nprefix = 2001:db8:42::/64\n";

TEST_F(ConfigurationTest, PoolsAndRulesReadBackFromTheirText) {
  for (const std::string value :
       {"pool = mail: 2001:db8:42::25", "pool = all: 2001:db8:42::/64, 2001:db8:41::2",
        "pool = a_B-9: 2001:db8:42::1-2001:db8:42::9, 2001:db8:42::10/127, 2001:db8:42::14/128",
        "source = use 2001:db8:42::25",
        "source = from 2001:db8:9::/48 proto tcp port 25 use 2001:db8:41::2"}) {
    EXPECT_NE(to_text(load(file(own_addresses + value + "\n"))).find("\n" + value + "\n"), std::string::npos)
        << value;
  }
  for (const std::string mode : {"", " first", " random", " hash", " every 60"}) {
    const std::string rule = "source = use mail" + mode + "\n";
    EXPECT_NE(to_text(load(file(own_addresses + "pool = mail:2001:db8:42::25\n" + rule))).find(rule),
              std::string::npos);
  }
}

TEST_F(ConfigurationTest, APoolOfAPrefixLeavesOutTheAddressThatEveryRouterHas) {
  const Configuration c = load(
      file(own_addresses + "prefix = 2001:db8:43::/64\npool = p: 2001:db8:42::/64, 2001:db8:43::8/127\n"));
  ASSERT_EQ(c.pools.size(), 1U);
  EXPECT_EQ(c.pools[0].items[0].range.first, ip6("2001:db8:42::1"));
  EXPECT_EQ(c.pools[0].items[0].range.last, ip6("2001:db8:42::ffff:ffff:ffff:ffff"));
  EXPECT_EQ(c.pools[0].items[1].range.first, ip6("2001:db8:43::8"));
}

TEST_F(ConfigurationTest, BadPoolsAndRulesAreRefusedWithPlaceAndReason) {
  for (const auto& [text, complaint] : std::vector<std::pair<std::string, std::string>>{
           {"pool = mail", "pool: 'mail' is not NAME: ADDRESS"},
           {"pool = keep: 2001:db8:42::1", "is not NAME: ADDRESS"},
           {"pool = 2001:db8:42::1", "is not NAME: ADDRESS"},
           {"pool = 2001:db8:42::1-2001:db8:42::3", "is not NAME: ADDRESS"},
           {"pool = m: 2001:db8:42::/64, 2001:db8:42::8-2001:db8:42::9",
            "'2001:db8:42::8-2001:db8:42::9' overlaps '2001:db8:42::/64'"},
           {"source = proto icmpv6 port 25 keep", "protocol icmpv6 has no ports"},
           {"source = proto 44 keep", "protocol 44 is an extension header"},
           {"source = port 25, 465 keep", "'25,' is not a list of ports"},
           {"pool = m: 2001:db8:42::9-2001:db8:42::1", "ends before it begins"},
           {"pool = m: 2001:db8:42::1,", "'' is not the IPv6 address of one host"},
           {"pool = m: 2001:db8:42::1/64", "has bits set beyond its length"},
           {"pool = m: ff00::/8", "has addresses that cannot be a source in the tunnel"},
           {"pool = m: 2001:db8:77::1",
            "2001:db8:77::1 is not an address of this end: add it as 'address', or a 'prefix'"},
           {"pool = m: 2001:db8:42::/63", "is not an address of this end"},
           {"pool = m: 2001:db8:42::1\npool = m: 2001:db8:42::2", "'m' is defined twice"},
           {"source = use m", "there is no 'pool' 'm'"},
           {"source = use 2001:db8:77::1", "is not an address of this end"},
           {"source = use 2001:db8:42::1 random",
            "'random' chooses from a pool, but 'use' names one address"},
           {"source = use keep", "'use keep': write 'keep' without 'use'"},
           {"source = use", "the rule is incomplete: expected an address or a pool"},
           {"source = proto tcp", "the rule is incomplete: expected one of keep, use, reject"},
           {"source = proto sctp keep", "'sctp' is not tcp, udp, icmpv6 or a protocol number"},
           {"source = proto 256 keep", "'256' is not a number from 0 to 255"},
           {"source = port 9-8 keep", "'9-8' ends before it begins"},
           {"source = port 65536 keep", "'65536' is not a number from 0 to 65535"},
           {"source = to ::/0 to @table keep", "'to' is given twice"},
           {"source = to @ keep", "'@' needs the path of a file"},
           {"source = keep it", "unexpected 'it' after the action"},
           {"source = drop", "'drop' is not one of from, to, proto, port, keep, use, reject"}}) {
    const std::string message = refusal(file(own_addresses + text + "\n"));
    const std::string key = text.substr(0, text.find(' '));
    EXPECT_TRUE(message.starts_with(line(text.find('\n') == std::string::npos ? 4 : 5) + key + ": "))
        << message;
    EXPECT_NE(message.find(complaint), std::string::npos) << message;
  }
  EXPECT_NE(refusal(file(own_addresses + "pool = m: 2001:db8:42::1\nsource = use m every 0\n"))
                .find("'0' is not a number from 1"),
            std::string::npos);
  EXPECT_NE(refusal(file(own_addresses + "pool = m: 2001:db8:42::1\nsource = use m all\n"))
                .find("'all' is not one of first"),
            std::string::npos);
}

TEST_F(ConfigurationTest, TheFirstRuleTooManyIsNamed) {
  std::string text = "remote = 192.0.2.2\n";
  for (std::size_t i = 0; i < max_source_rules + 2; ++i) text += "source = keep\n";
  EXPECT_EQ(refusal(file(text)), line(max_source_rules + 2) + "source: there are more than 65535 rules");
}

TEST_F(ConfigurationTest, WithoutTheEgressFilterAnyAddressMayBeUsed) {
  EXPECT_EQ(
      load(file("remote = 192.0.2.2\negress-filter = no\nsource = use 2001:db8:77::1\n")).source_rules.size(),
      1U);
}

TEST_F(ConfigurationTest, TablesAreReadWithTheConfiguration) {
  const std::string table = path() + ".table";
  const auto write = [&table](const std::string& text) { std::ofstream{table} << text; };
  const std::string rule = own_addresses + "pool = m: 2001:db8:42::1\nsource = to @" + table + " use m\n";
  write(
      "# nothing\n\n2001:db8:7::/48\n2001:db8:7::1 m # one\n2001:db8:7::2/128 2001:db8:42::7\n::/0 "
      "keep\n::/1 reject\n");
  const Configuration c = load(file(rule));
  ASSERT_EQ(c.source_tables.size(), 1U);
  const SourceTableText& lines = c.source_tables.at(table);
  ASSERT_EQ(lines.size(), 5U);
  EXPECT_FALSE(lines[0].target);
  EXPECT_EQ(lines[1].prefix, (wire::Ipv6Prefix{ip6("2001:db8:7::1"), 128}));
  EXPECT_EQ(lines[1].target->pool, "m");
  EXPECT_EQ(lines[2].target->address, ip6("2001:db8:42::7"));
  EXPECT_EQ(lines[3].target->action, engine::SourceAction::keep);
  EXPECT_EQ(lines[4].target->action, engine::SourceAction::reject);
  EXPECT_EQ(lines[4].number, 7);
  for (const auto& [text, complaint] : std::vector<std::pair<std::string, std::string>>{
           {"2001:db8:7::1/48", "has bits set beyond its length"},
           {"example.org m", "'example.org/128' is not an IPv6 PREFIX/LENGTH"},
           {"::/0 nobody", "there is no 'pool' 'nobody'"},
           {"::/0 2001:db8:77::1", "is not an address of this end"},
           {"::/0 keep it", "unexpected 'it' after PREFIX and target"}}) {
    write("\n" + text + "\n");
    const std::string message = refusal(file(rule));
    EXPECT_TRUE(message.starts_with(table + ":2: ")) << message;
    EXPECT_NE(message.find(complaint), std::string::npos) << message;
  }
  std::filesystem::remove(table);
  try {
    static_cast<void>(load(file(rule)));
    ADD_FAILURE() << "a table that is not there";
  } catch (const std::system_error& error) {
    EXPECT_NE(std::string{error.what()}.find("to @" + table + " use m: cannot read " + table),
              std::string::npos)
        << error.what();
  }
}

}  // namespace
}  // namespace sixin4::config::testing
