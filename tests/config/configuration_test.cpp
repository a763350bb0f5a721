// The configuration: what each key accepts, where a mistake is reported, and that it reads back.
#include "sixin4/config/configuration.hpp"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <random>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include <gtest/gtest.h>
#include <unistd.h>

#include "sixin4/base/options.hpp"

#include "../netlink/own_network.hpp"

namespace sixin4::config::testing {
namespace {

using namespace netlink::testing;

using Words = std::vector<std::string>;

Configuration load(const Words& arguments) {
  return load_configuration(arguments);
}

/// The text of the ConfigurationError that these arguments meet.
std::string refusal(const Words& arguments) {
  try {
    return "accepted:\n" + to_text(load(arguments));
  } catch (const base::ConfigurationError& error) {
    return error.what();
  }
}

class ConfigurationTest : public ::testing::Test {
 protected:
  ~ConfigurationTest() override {
    std::error_code ignored;
    std::filesystem::remove(path_, ignored);
  }

  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] std::string line(int number) const { return path_ + ":" + std::to_string(number) + ": "; }

  /// The arguments that read this text, and more.
  Words file(const std::string& text, const Words& more = {}) const {
    std::ofstream(path_) << text;
    Words arguments{"-c", path_};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return arguments;
  }

 private:
  static std::string new_path() {
    std::string path = ::testing::TempDir() + "sixin4-configuration-XXXXXX";
    const int fd = ::mkstemp(path.data());
    EXPECT_GE(fd, 0);
    ::close(fd);
    return path;
  }
  std::string path_ = new_path();
};

TEST_F(ConfigurationTest, DefaultsAreTheDocumentedOnes) {
  EXPECT_EQ(to_text(load(file("remote = 192.0.2.2\n"))),
            "interface = sixin4\nlocal = auto\nremote = 192.0.2.2\ntable = main\nmtu = 1280\npmtudisc = no\n"
            "ttl = 64\ntos = 0x0\necn = yes\ningress-filter = yes\negress-filter = yes\nmss-clamp = no\n"
            "flows = 65536\nrecorder = 4096\nkeepalive = 0\nwire = auto\nchecksum-offload = no\nqueues = "
            "1\nlog-level = info\n");
}

TEST_F(ConfigurationTest, EveryKeyLandsInItsField) {
  const Configuration c = load(file(
      "# a tunnel\ninterface=he6\nlocal = 192.0.2.1 # this end\n\n  remote =  far.example  \ndev = eth0\n"
      "address = 2001:db8::2/64\naddress = 2001:db8::5/64 peer 2001:db8::1\n"
      "prefix = 2001:db8:1::/48\nroute = ::/0\nroute = 2000::/3\ntable = 100\nmetric = 7\n"
      "mtu = 1480\nttl = inherit\ntos = inherit\necn = no\ningress-filter = no\nwire = raw\n"
      "pmtudisc = yes\negress-filter = no\nmss-clamp = yes\nkeepalive = 30\nchecksum-offload = yes\n"
      "control = /run/other.sock\nlog-level = debug\n"));
  EXPECT_EQ(c.interface, "he6");
  EXPECT_TRUE(c.checksum_offload);
  EXPECT_EQ(c.local, (wire::Ipv4Address{{192, 0, 2, 1}}));
  EXPECT_EQ(c.remote, "far.example");
  EXPECT_EQ(c.dev, "eth0");
  ASSERT_EQ(c.addresses.size(), 2U);
  EXPECT_EQ(to_string(c.addresses[0]), "2001:db8::2/64");
  EXPECT_EQ(to_string(c.addresses[1]), "2001:db8::5 peer 2001:db8::1/64");
  EXPECT_EQ(c.prefixes, (std::vector{wire::Ipv6Prefix{{{0x20, 0x01, 0x0d, 0xb8, 0, 1}}, 48}}));
  EXPECT_EQ(c.routes, (std::vector{wire::Ipv6Prefix{{}, 0}, wire::Ipv6Prefix{{{0x20}}, 3}}));
  EXPECT_EQ(c.table, 100U);
  EXPECT_EQ(c.metric, 7U);
  EXPECT_EQ(c.mtu, 1480);
  EXPECT_EQ(c.ttl, std::nullopt);
  EXPECT_EQ(c.tos, std::nullopt);
  EXPECT_FALSE(c.ecn || c.ingress_filter || c.egress_filter);
  EXPECT_TRUE(c.discovers_path_mtu() && c.mss_clamp);
  EXPECT_EQ(c.keepalive, std::chrono::seconds{30});
  EXPECT_EQ(c.wire, Wire::raw);
  EXPECT_EQ(c.control, "/run/other.sock");
  EXPECT_EQ(c.log_level, base::LogLevel::debug);
}

TEST_F(ConfigurationTest, AnMtuThatFollowsThePathDiscoversItUnlessToldOtherwise) {
  const auto discovers = [this](const std::string& more) {
    return load(file("remote = 192.0.2.2\n" + more)).discovers_path_mtu();
  };
  EXPECT_FALSE(discovers(""));
  EXPECT_FALSE(discovers("mtu = 1480\n"));
  EXPECT_TRUE(discovers("mtu = auto\n"));
  EXPECT_FALSE(discovers("mtu = auto\npmtudisc = no\n"));
  EXPECT_TRUE(discovers("mtu = 1480\npmtudisc = yes\n"));
}

/// Values of a key that are printed as they were given.
const std::vector<std::pair<std::string, Words>> good_values{
    {"interface", {"a", "fifteen-letters", "tun.1@x"}},
    {"local", {"auto", "192.0.2.1"}},
    {"remote", {"192.0.2.2", "Tunnel-1.some_where.example.", "1.2.3.4.example"}},
    {"dev", {"eth0"}},
    {"address",
     {"2001:db8::2/64", "2001:db8::6/128", "2001:db8::7/64 peer 2001:db8::1",
      "2001:db8::3/64 preferred_lft 0", "2001:db8::4/64 label 7",
      "2001:db8::5/64 peer 2001:db8::1 preferred_lft 0 label 4294967294"}},
    {"source",
     {"keep", "reject", "proto tcp port 25 reject", "from 2001:db8:1::/64 to ::/0 proto udp keep",
      "to 2001:db8::/32 proto 50 reject", "proto icmpv6 keep", "proto tcp port 1,2-3,65535 keep"}},
    {"flows", {"1", "65536", "16777216"}},
    {"recorder", {"0", "4096", "65536"}},
    {"prefix", {"2001:db8:1::/48", "2001:db8::1/128"}},
    {"route", {"::/0", "2000::/3"}},
    {"table", {"main", "1", "4294967295"}},
    {"metric", {"1", "4294967295"}},
    {"mtu", {"1280", "65515", "auto"}},
    {"pmtudisc", {"yes", "no"}},
    {"ttl", {"1", "255", "inherit"}},
    {"tos", {"0x0", "0xb8", "0xff", "inherit"}},
    {"ecn", {"yes", "no"}},
    {"ingress-filter", {"yes", "no"}},
    {"egress-filter", {"yes", "no"}},
    {"mss-clamp", {"yes", "no"}},
    {"keepalive", {"0", "1", "86400"}},
    {"wire", {"auto", "raw", "packet"}},
    {"checksum-offload", {"yes", "no"}},
    {"queues", {"auto", "1", "64"}},
    {"control", {"/tmp/some/where"}},
    {"log-level", {"error", "warn", "info", "debug"}},
};

struct Rewritten {
  std::string key;
  std::string value;
  std::string printed;
};
const std::vector<Rewritten> rewritten_values{
    {"address", "2001:DB8:0::2/64", "2001:db8::2/64"},
    {"address", "2001:db8::2/64  peer   2001:db8:0::1", "2001:db8::2/64 peer 2001:db8::1"},
    {"address", "2001:db8::2/64 label 7 peer 2001:db8::1 preferred_lft forever",
     "2001:db8::2/64 peer 2001:db8::1 label 7"},
    {"source", "port 25 proto 6 to ::/0 keep", "to ::/0 proto tcp port 25 keep"},
    {"table", "254", "main"},
    {"tos", "0", "0x0"},
    {"tos", "10", "0x10"},
    {"tos", "fF", "0xff"},
    {"tos", "0XB8", "0xb8"},
};

TEST_F(ConfigurationTest, GoodValuesAreTakenFromBothNotationsAndPrinted) {
  std::vector<Rewritten> all = rewritten_values;
  for (const auto& [key, values] : good_values) {
    for (const auto& value : values) all.push_back({key, value, value});
  }
  for (const auto& [key, value, printed] : all) {
    const std::string remote = key == "remote" ? "" : "remote = 192.0.2.2\n";
    const std::string from_file = to_text(load(file(remote + key + " = " + value + "\n")));
    EXPECT_NE(("\n" + from_file).find("\n" + key + " = " + printed + "\n"), std::string::npos)
        << key << " = " << value << " in " << from_file;
    EXPECT_EQ(to_text(load(file(remote, {"--" + key, value}))), from_file) << key << ' ' << value;
    EXPECT_EQ(to_text(load(file(remote, {"--" + key + "=" + value}))), from_file) << key << ' ' << value;
  }
}

struct BadValues {
  std::string key;
  Words values;
  std::string complaint;
};
const std::vector<BadValues> bad_values{
    {"interface",
     {"sixteen-letters-", ".", "..", "a/b", "a:b", "tun%d", "a b"},
     "is not the name of an interface"},
    {"local",
     {"192.0.2", "192.0.2.256", "192.0.2.1/24", "near.example", "2001:db8::1", "0.0.0.0", "224.0.0.1"},
     "is neither the IPv4 address of a host nor auto"},
    {"remote", {"192.0.2.300", "192.0.2", "1"}, "is not an IPv4 address"},
    {"remote", {"224.0.0.1", "0.0.0.0"}, "is not the address of one host"},
    {"remote",
     {"2001:db8::1", "far end", std::string(254, 'a')},
     "is neither an IPv4 address nor a host name"},
    {"address",
     {"2001:db8::2", "2001:db8::2/129", "192.0.2.1/24", "2001:db8::2/"},
     "is not an IPv6 ADDRESS/LENGTH"},
    {"address", {"::/64", "ff02::1/64"}, "is not the address of one host"},
    {"address",
     {"2001:db8::2/64 pear 2001:db8::1", "2001:db8::2/64 peer", "2001:db8::2/64 peer 2001:db8::1 more"},
     "ADDRESS/LENGTH [peer ADDRESS] [preferred_lft 0|forever] [label NUMBER]"},
    {"prefix", {"2001:db8::", "192.0.2.0/24"}, "is not an IPv6 PREFIX/LENGTH"},
    {"prefix", {"2001:db8::1/64"}, "has bits set beyond its length; the prefix is 2001:db8::/64"},
    {"route", {"default", "::"}, "is not an IPv6 PREFIX/LENGTH"},
    {"table", {"0", "4294967296", "local", "-1"}, "is not a number from 1 to 4294967295"},
    {"table", {"255"}, "255 is the kernel's own table (local)"},
    {"metric", {"0", "-1", "1x", "4294967296"}, "is not a number from 1 to 4294967295"},
    {"mtu", {"1279", "65516", "66816", "+1280", "1280.0"}, "is not a number from 1280 to 65515"},
    {"pmtudisc", {"auto"}, "is neither yes nor no"},
    {"ttl", {"0", "256", "Inherit"}, "is not a number from 1 to 255"},
    {"tos", {"100", "0x", "0x0x1", "xyz", "-1"}, "is not a number from 0 to ff, hexadecimal"},
    {"ecn", {"true", "YES", "1"}, "is neither yes nor no"},
    {"ingress-filter", {"off"}, "is neither yes nor no"},
    {"egress-filter", {"0"}, "is neither yes nor no"},
    {"mss-clamp", {"1400"}, "is neither yes nor no"},
    {"flows", {"0", "16777217", "all"}, ""},
    {"recorder", {"-1", "1048577", "off"}, ""},
    {"keepalive", {"-1", "1.5", "10s", "86401"}, "is not a number from 0 to 86400"},
    {"wire", {"udp"}, "is not one of auto raw packet"},
    {"queues", {"0", "65", "-1", "many"}, ""},
    {"control", {"relative.sock", "/a b"}, "is not an absolute path without space or #"},
    {"log-level", {"verbose", "Info"}, "is not one of error warn info debug"},
};

TEST_F(ConfigurationTest, BadValuesAreRefusedWithPlaceKeyAndValue) {
  for (const auto& [key, values, complaint] : bad_values) {
    for (const std::string& value : values) {
      for (const auto& [place, text] :
           {std::pair{line(3), refusal(file("\n# a tunnel\n" + key + " = " + value + "\n"))},
            std::pair{std::string{"command line: "}, refusal({"--" + key + "=" + value})}}) {
        EXPECT_TRUE(text.starts_with(place + key + ": ")) << text;
        EXPECT_NE(text.find(value.substr(value.starts_with("0x") ? 2 : 0, 100)), std::string::npos) << text;
        EXPECT_NE(text.find(complaint), std::string::npos) << text;
      }
    }
  }
}

TEST_F(ConfigurationTest, WhatWouldNotReadBackIsRefusedOnTheCommandLine) {
  for (const std::string key : {"interface", "remote", "dev", "control"}) {
    for (const std::string value :
         {"/a#b", "/a b", " /a", "/a ", "/a\tb", "/a\n", "\v/a", "/a\fb", "/a\rb"}) {
      const std::string given = key == "control" ? value : "a" + value.substr(1);
      const std::string text = refusal({"--" + key + "=" + given});
      EXPECT_TRUE(text.starts_with("command line: " + key + ": '" + given + "' is n")) << text;
    }
  }
}

TEST_F(ConfigurationTest, EmptyValuesAreRefused) {
  for (const auto& [key, values] : good_values) {
    const std::string text = refusal(file(key + " =\n"));
    EXPECT_TRUE(text.starts_with(line(1) + key + ": ")) << text;
  }
}

TEST_F(ConfigurationTest, ASingleKeyGivenTwiceNamesBothPlaces) {
  EXPECT_EQ(refusal(file("remote = 192.0.2.2\nmtu = 1480\n# again\nmtu = 1480\n")),
            line(4) + "mtu: given twice, first at " + path() + ":2");
  EXPECT_EQ(refusal({"--remote=192.0.2.2", "--mtu=1480", "--mtu=1480"}),
            "command line: mtu: given twice, first at command line");
  EXPECT_EQ(refusal({"-c", "/a", "-c", "/b"}), "command line: config: given twice, first at command line");
}

TEST_F(ConfigurationTest, TheCommandLineWinsOverTheFileKeyByKey) {
  const std::string text =
      "remote = 192.0.2.2\nmtu = 1480\nttl = 9\nroute = 2000::/3\nroute = fc00::/7\nprefix = fc00::/8\n";
  const Configuration c = load(file(text, {"--mtu", "1400", "--route", "::/0", "--remote=far.example"}));
  EXPECT_EQ(c.remote, "far.example");
  EXPECT_EQ(c.mtu, 1400);
  EXPECT_EQ(c.ttl, 9);
  EXPECT_EQ(c.routes, (std::vector{wire::Ipv6Prefix{{}, 0}})) << "all of the file's routes give way";
  EXPECT_EQ(c.prefixes.size(), 1U);
}

TEST_F(ConfigurationTest, ErrorsOfTheFileNameTheLine) {
  EXPECT_EQ(refusal(file("remote = 192.0.2.2\n\nmtv = 1480\n")), line(3) + "'mtv': unknown key");
  EXPECT_EQ(refusal(file("[tunnel]\n")), line(1) + "'[tunnel]' is not of the form key = value");
  EXPECT_EQ(refusal(file("remote = 192.0.2.2\r\nmtu 1480")),
            line(2) + "'mtu 1480' is not of the form key = value");
  EXPECT_TRUE(refusal(file("route = ::/0\nroute = ::/0\nroute = x\n")).starts_with(line(3) + "route: 'x'"));
  EXPECT_EQ(refusal(file("config = /etc/passwd\n")), line(1) + "'config': unknown key");
}

const std::string ours = "remote = 192.0.2.2\naddress = 2001:db8:41::2/64\nprefix = 2001:db8:42::/64\n";

TEST_F(ConfigurationTest, PoolsAndRulesReadBackFromTheirText) {
  for (const std::string value :
       {"pool = mail: 2001:db8:42::25", "pool = all: 2001:db8:42::/64, 2001:db8:41::2",
        "pool = a_B-9: 2001:db8:42::1-2001:db8:42::9, 2001:db8:42::10/127, 2001:db8:42::14/128",
        "source = use 2001:db8:42::25",
        "source = from 2001:db8:9::/48 proto tcp port 25 use 2001:db8:41::2"}) {
    EXPECT_NE(to_text(load(file(ours + value + "\n"))).find("\n" + value + "\n"), std::string::npos) << value;
  }
  for (const std::string mode : {"", " first", " random", " hash", " every 60"}) {
    const std::string rule = "source = use mail" + mode + "\n";
    EXPECT_NE(to_text(load(file(ours + "pool = mail:2001:db8:42::25\n" + rule))).find(rule),
              std::string::npos);
  }
}

TEST_F(ConfigurationTest, APoolOfAPrefixLeavesOutTheAddressThatEveryRouterHas) {
  const Configuration c =
      load(file(ours + "prefix = 2001:db8:43::/64\npool = p: 2001:db8:42::/64, 2001:db8:43::8/127\n"));
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
            "'2001:db8:42::8-2001:db8:42::9' has addresses that '2001:db8:42::/64' has, too"},
           {"source = proto icmpv6 port 25 keep", "protocol icmpv6 has no ports"},
           {"source = proto 44 keep", "protocol 44 is an extension header"},
           {"source = port 25, 465 keep", "'25,' is not a list of ports"},
           {"pool = m: 2001:db8:42::9-2001:db8:42::1", "ends before it begins"},
           {"pool = m: 2001:db8:42::1,", "'' is not the IPv6 address of one host"},
           {"pool = m: 2001:db8:42::1/64", "has bits set beyond its length"},
           {"pool = m: ff00::/8", "has addresses that no host can have"},
           {"pool = m: 2001:db8:77::1",
            "2001:db8:77::1 is not ours: neither an 'address' nor inside of a 'prefix'"},
           {"pool = m: 2001:db8:42::/63", "is not ours"},
           {"pool = m: 2001:db8:42::1\npool = m: 2001:db8:42::2", "'m' is there already"},
           {"source = use m", "there is no pool 'm'"},
           {"source = use 2001:db8:77::1", "is not ours"},
           {"source = use 2001:db8:42::1 random", "'random' is for a pool, and this is one address"},
           {"source = use keep", "'use keep': write 'keep' alone"},
           {"source = use", "ends where an address or a pool is expected"},
           {"source = proto tcp", "ends where one of keep, use, reject is expected"},
           {"source = proto sctp keep", "'sctp' is none of tcp, udp, icmpv6, or a protocol's number"},
           {"source = proto 256 keep", "'256' is not a number from 0 to 255"},
           {"source = port 9-8 keep", "'9-8' ends before it begins"},
           {"source = port 65536 keep", "'65536' is not a number from 0 to 65535"},
           {"source = to ::/0 to @table keep", "'to' is given twice"},
           {"source = to @ keep", "'@' names no file"},
           {"source = keep it", "'it' stands behind the action"},
           {"source = drop", "'drop' is none of from, to, proto, port, keep, use, reject"}}) {
    const std::string told = refusal(file(ours + text + "\n"));
    const std::string key = text.substr(0, text.find(' '));
    EXPECT_TRUE(told.starts_with(line(text.find('\n') == std::string::npos ? 4 : 5) + key + ": ")) << told;
    EXPECT_NE(told.find(complaint), std::string::npos) << told;
  }
  EXPECT_NE(refusal(file(ours + "pool = m: 2001:db8:42::1\nsource = use m every 0\n"))
                .find("'0' is not a number from 1"),
            std::string::npos);
  EXPECT_NE(refusal(file(ours + "pool = m: 2001:db8:42::1\nsource = use m all\n"))
                .find("'all' is not one of first"),
            std::string::npos);
}

TEST_F(ConfigurationTest, WithoutTheEgressFilterAnyAddressMayBeUsed) {
  EXPECT_EQ(
      load(file("remote = 192.0.2.2\negress-filter = no\nsource = use 2001:db8:77::1\n")).source_rules.size(),
      1U);
}

TEST_F(ConfigurationTest, TablesAreReadWithTheConfiguration) {
  const std::string table = path() + ".table";
  const auto write = [&table](const std::string& text) { std::ofstream{table} << text; };
  const std::string rule = ours + "pool = m: 2001:db8:42::1\nsource = to @" + table + " use m\n";
  write(
      "# nothing\n\n2001:db8:7::/48\n2001:db8:7::1 m # one\n2001:db8:7::2/128 2001:db8:42::7\n::/0 "
      "keep\n::/1 reject\n");
  const Configuration c = load(file(rule));
  ASSERT_EQ(c.source_tables.size(), 1U);
  const SourceTable& lines = c.source_tables.at(table);
  ASSERT_EQ(lines.size(), 5U);
  EXPECT_FALSE(lines[0].target);
  EXPECT_EQ(lines[1].prefix, (wire::Ipv6Prefix{ip6("2001:db8:7::1"), 128}));
  EXPECT_EQ(lines[1].target->pool, "m");
  EXPECT_EQ(lines[2].target->address, ip6("2001:db8:42::7"));
  EXPECT_EQ(lines[3].target->action, SourceTarget::Action::keep);
  EXPECT_EQ(lines[4].target->action, SourceTarget::Action::reject);
  EXPECT_EQ(lines[4].number, 7);
  for (const auto& [text, complaint] : std::vector<std::pair<std::string, std::string>>{
           {"2001:db8:7::1/48", "has bits set beyond its length"},
           {"example.org m", "'example.org/128' is not an IPv6 PREFIX/LENGTH"},
           {"::/0 nobody", "there is no pool 'nobody'"},
           {"::/0 2001:db8:77::1", "is not ours"},
           {"::/0 keep it", "'it' stands behind PREFIX and target"}}) {
    write("\n" + text + "\n");
    const std::string told = refusal(file(rule));
    EXPECT_TRUE(told.starts_with(table + ":2: ")) << told;
    EXPECT_NE(told.find(complaint), std::string::npos) << told;
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

TEST_F(ConfigurationTest, TheRemoteIsRequired) {
  const std::string missing = ": remote: missing; give the IPv4 address or host name of the far end";
  EXPECT_EQ(refusal(file("mtu = 1480\n")), path() + missing);
  EXPECT_EQ(refusal({}), "command line" + missing);
}

TEST_F(ConfigurationTest, OneConfigurationIsGivenAndANameHasNoSlash) {
  const std::string one = "command line: give one configuration, a NAME or -c FILE";
  EXPECT_EQ(refusal(file("remote = 192.0.2.2\n", {"he6"})), one);
  EXPECT_EQ(refusal({"he6", "he7"}), one);
  EXPECT_EQ(refusal({"./he6"}), "command line: './he6' is not a tunnel's name; give a file with -c FILE");
}

TEST_F(ConfigurationTest, AFileThatCannotBeReadIsNamed) {
  for (const auto& [arguments, name] : std::vector<std::pair<Words, std::string>>{
           {{"-c", path() + ".absent"}, path() + ".absent"},
           {{"sixin4-no-such-name"}, "/etc/sixin4/sixin4-no-such-name.conf"}}) {
    try {
      static_cast<void>(load(arguments));
      ADD_FAILURE() << name << " was read";
    } catch (const std::system_error& error) {
      EXPECT_EQ(error.code(), std::errc::no_such_file_or_directory);
      EXPECT_TRUE(std::string{error.what()}.starts_with("cannot read " + name)) << error.what();
    }
  }
}

TEST_F(ConfigurationTest, AnyAcceptedConfigurationReadsBackFromItsText) {
  std::mt19937 random{20240229};
  for (int round = 0; round < 300; ++round) {
    Words arguments;
    std::size_t lines = 19;  // the keys that are always printed
    for (const auto& [key, values] : good_values) {
      const bool repeats = key == "address" || key == "prefix" || key == "route" || key == "source";
      const std::size_t times = random() % (repeats ? 4 : 2);
      for (std::size_t i = 0; i < times; ++i)
        arguments.push_back("--" + key + "=" + values[random() % values.size()]);
      if (repeats || key == "dev" || key == "metric" || key == "control") lines += times;
    }
    if (std::ranges::none_of(arguments, [](const auto& given) { return given.starts_with("--remote"); }))
      arguments.emplace_back("--remote=192.0.2.2");
    const std::string text = to_text(load(arguments));
    ASSERT_EQ(to_text(load(file(text))), text);
    ASSERT_EQ(std::ranges::count(text, '\n'), static_cast<std::ptrdiff_t>(lines)) << text;
  }
}

}  // namespace
}  // namespace sixin4::config::testing
