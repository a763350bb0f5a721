// The configuration: the values of each key, the places of mistakes, and reading back.
#include "sixin4/config/configuration.hpp"

#include <algorithm>
#include <random>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "configuration_fixture.hpp"

namespace sixin4::config::testing {
namespace {

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

TEST_F(ConfigurationTest, AnMtuThatFollowsThePathDiscoversItUnlessPmtudiscIsNo) {
  const auto discovers = [this](const std::string& more) {
    return load(file("remote = 192.0.2.2\n" + more)).discovers_path_mtu();
  };
  EXPECT_FALSE(discovers(""));
  EXPECT_FALSE(discovers("mtu = 1480\n"));
  EXPECT_TRUE(discovers("mtu = auto\n"));
  EXPECT_FALSE(discovers("mtu = auto\npmtudisc = no\n"));
  EXPECT_TRUE(discovers("mtu = 1480\npmtudisc = yes\n"));
}

/// Values of a key that are printed as written.
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
    {"wire", {"udp"}, "is not one of auto, raw, packet"},
    {"queues", {"0", "65", "-1", "many"}, ""},
    {"control", {"relative.sock", "/a b"}, "is not an absolute path without space or #"},
    {"log-level", {"verbose", "Info"}, "is not one of error, warn, info, debug"},
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

TEST_F(ConfigurationTest, ValuesThatWouldNotReadBackAreRefusedOnTheCommandLine) {
  for (const std::string key : {"interface", "remote", "dev", "control"}) {
    for (const std::string value :
         {"/a#b", "/a b", " /a", "/a ", "/a\tb", "/a\n", "\v/a", "/a\fb", "/a\rb"}) {
      const std::string tried = key == "control" ? value : "a" + value.substr(1);
      const std::string text = refusal({"--" + key + "=" + tried});
      EXPECT_TRUE(text.starts_with("command line: " + key + ": '" + tried + "' is n")) << text;
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
    if (std::ranges::none_of(arguments,
                             [](const auto& argument) { return argument.starts_with("--remote"); }))
      arguments.emplace_back("--remote=192.0.2.2");
    const std::string text = to_text(load(arguments));
    ASSERT_EQ(to_text(load(file(text))), text);
    ASSERT_EQ(std::ranges::count(text, '\n'), static_cast<std::ptrdiff_t>(lines)) << text;
  }
}

}  // namespace
}  // namespace sixin4::config::testing
