// Values without a meaning: each is refused with a reason. Similar values with a meaning are accepted.
#include <filesystem>
#include <fstream>
#include <ostream>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <unistd.h>

#include "configuration_fixture.hpp"

namespace sixin4::config::testing {
namespace {

/// Arguments `--key=value`, and a part of the message.
struct Refusal {
  Words arguments;
  std::string reason;
};

std::ostream& operator<<(std::ostream& to, const Refusal& refusal) {
  for (const std::string& argument : refusal.arguments) to << argument << ' ';
  return to;
}

class ConfigurationRefusals : public ::testing::TestWithParam<Refusal> {};

TEST_P(ConfigurationRefusals, SayWhy) {
  Words arguments{"--remote=192.0.2.2", "--address=2001:db8:41::2/64", "--prefix=2001:db8:42::/64"};
  for (const std::string& argument : GetParam().arguments) {
    if (argument.starts_with("--remote")) arguments.erase(arguments.begin());
    arguments.push_back(argument);
  }
  const std::string outcome = outcome_of(arguments);
  EXPECT_TRUE(outcome.starts_with("command line: ")) << outcome;
  EXPECT_NE(outcome.find(GetParam().reason), std::string::npos) << outcome;
}

const std::vector<Refusal> refusals{
    {{"--interface=all"}, "'all' cannot name an interface"},
    {{"--interface=default"}, "'default' cannot name an interface"},
    {{"--interface=lo"}, "'lo' is the loopback interface"},
    {{"--interface=tun\xc3\xa0"}, "is not the name of an interface"},  // a blank to the kernel: a0
    {{"--dev=all"}, "'all' cannot name an interface"},
    {{"--dev=lo"}, "'lo' is the loopback interface"},
    {{"--dev=sixin4"}, "dev: 'sixin4' is the tunnel's own 'interface'"},
    {{"--interface=he6", "--dev=he6"}, "dev: 'he6' is the tunnel's own 'interface'"},

    {{"--local=0.0.0.0"}, "it is in 0.0.0.0/8"},
    {{"--local=127.0.0.1"}, "it is a loopback address"},
    {{"--local=224.0.0.1"}, "it is a multicast address"},
    {{"--local=240.0.0.1"}, "it is a reserved address (240.0.0.0/4)"},
    {{"--local=255.255.255.255"}, "it is the broadcast address"},
    {{"--local=192.0.2.2"}, "local: '192.0.2.2' is the far end's address"},
    {{"--remote=0.0.0.0"}, "is not the address of one host, but in 0.0.0.0/8"},
    {{"--remote=0.1.2.3"}, "is not the address of one host, but in 0.0.0.0/8"},
    {{"--remote=127.0.0.1"}, "is not the address of one host, but a loopback address"},
    {{"--remote=239.255.0.1"}, "is not the address of one host, but a multicast address"},
    {{"--remote=255.255.255.255"}, "is not the address of one host, but the broadcast address"},
    {{"--remote=250.0.0.1"}, "is not the address of one host, but a reserved address"},
    {{"--remote=far..example"}, "each part between dots has 1 to 63 characters"},
    {{"--remote=.example"}, "each part between dots has 1 to 63 characters"},
    {{"--remote=example.."}, "each part between dots has 1 to 63 characters"},
    {{"--remote=" + std::string(64, 'a')}, "each part between dots has 1 to 63 characters"},

    {{"--address=::/64"}, "it is in ::/128, the unspecified address"},
    {{"--address=::1/128"}, "it is in ::1/128, the loopback address"},
    {{"--address=::192.0.2.1/96"}, "it is in ::/96, IPv4-compatible addresses"},
    {{"--address=::ffff:192.0.2.1/96"}, "it is in ::ffff:0.0.0.0/96, IPv4-mapped addresses"},
    {{"--address=ff0e::1/64"}, "it is in ff00::/8, multicast addresses"},
    {{"--address=2001:db8::2/0"}, "would put all IPv6 addresses on the link"},
    {{"--address=2001:db8::2/64 peer 2001:db8::2"}, "'2001:db8::2' is the address of this end"},
    {{"--address=2001:db8::2/64 peer ff02::1"}, "it is in ff00::/8, multicast addresses"},
    {{"--address=2001:db8::2/64 peer ::ffff:192.0.2.1"}, "IPv4-mapped addresses"},
    {{"--address=2001:db8::2/64 peer ::"}, "the unspecified address"},
    {{"--address=2001:db8::2/64", "--address=2001:db8::2/128"},
     "'2001:db8::2' is given twice with a different length"},
    {{"--address=2001:db8::2/64", "--address=2001:db8::2/64 peer 2001:db8::1"}, "is given twice"},
    {{"--address=2001:db8::2/64", "--address=2001:db8::2/64 preferred_lft 0"}, "is given twice"},
    {{"--address=2001:db8::2/64 label 7", "--address=2001:db8::2/64 label 8"}, "is given twice"},

    {{"--prefix=::/0"}, "'::/0' would make every address one of this end"},
    {{"--prefix=ff00::/8"}, "it has addresses in ff00::/8, multicast addresses"},
    {{"--prefix=ff0e:30::/32"}, "it has addresses in ff00::/8, multicast addresses"},
    {{"--prefix=8000::/1"}, "it has addresses in ff00::/8, multicast addresses"},
    {{"--prefix=::/64"}, "it has addresses in ::/128, the unspecified address"},
    {{"--prefix=::1/128"}, "it has addresses in ::1/128, the loopback address"},
    {{"--prefix=::192.0.2.0/120"}, "it has addresses in ::/96, IPv4-compatible addresses"},
    {{"--prefix=::ffff:192.0.2.0/120"}, "it has addresses in ::ffff:0.0.0.0/96, IPv4-mapped addresses"},
    {{"--prefix=fe80::/64"}, "it has addresses in fe80::/10, link-local addresses"},
    {{"--prefix=2001:db8::1/64"}, "has bits set beyond its length; the prefix is 2001:db8::/64"},

    {{"--route=ff0e::/16"}, "cannot be routed into the tunnel: it is in ff00::/8, multicast addresses"},
    {{"--route=::/128"}, "it is in ::/128, the unspecified address"},
    {{"--route=::1/128"}, "it is in ::1/128, the loopback address"},
    {{"--route=::/96"}, "it is in ::/96, IPv4-compatible addresses"},
    {{"--route=::ffff:0:0/96"}, "it is in ::ffff:0.0.0.0/96, IPv4-mapped addresses"},
    {{"--route=fe80::/64"}, "it is in fe80::/10, link-local addresses"},
    {{"--route=2001:db8::1/64"}, "has bits set beyond its length; the prefix is 2001:db8::/64"},

    {{"--table=0"}, "'0' is not a number from 1"},
    {{"--table=255"}, "255 is the kernel's own table (local)"},
    {{"--table=local"}, "'local' is not a number from 1"},
    {{"--metric=0"}, "'0' is not a number from 1"},
    {{"--mtu=1279"}, "'1279' is not a number from 1280"},
    {{"--ttl=0"}, "'0' is not a number from 1"},
    {{"--tos=100"}, "'100' is not a number from 0 to ff"},
    {{"--queues=0"}, "'0' is not a number from 1"},
    {{"--flows=0"}, "'0' is not a number from 1"},
    {{"--recorder=1048577"}, "'1048577' is not a number from 0 to 1048576"},
    {{"--recorder=1048576", "--queues=64"},
     "recorder: 1048576 packets with 64 'queues' would take 16384 MiB, more than 1024 MiB"},
    {{"--recorder=1048576", "--queues=5"}, "with 5 'queues' would take 1280 MiB"},
    // Rounded up to a power of 2, as the recorder does.
    {{"--recorder=65537", "--queues=64"}, "with 64 'queues' would take 2048 MiB"},
    {{"--keepalive=86401"}, "'86401' is not a number from 0 to 86400"},

    {{"--control=x.sock"}, "is not an absolute path"},
    {{"--control=/" + std::string(107, 'x')}, "has 108 bytes; the path of a socket has at most 107"},
    {{"--control=/run/sixin4/"}, "is the path of a directory"},
    {{"--control=/"}, "is the path of a directory"},
    {{"--control=/run/.."}, "is the path of a directory"},

    {{"--pool=m: "}, "'' is not the IPv6 address of one host"},
    {{"--pool=m: 2001:db8:42::9-2001:db8:42::1"}, "ends before it begins"},
    {{"--pool=m: ff02::1"}, "it is in ff00::/8, multicast addresses"},
    {{"--pool=m: ff02::/64"}, "some are in ff00::/8, multicast addresses"},
    {{"--pool=m: ::2-2001:db8::1"}, "it is in ::/96, IPv4-compatible addresses"},
    {{"--pool=m: fe80::1"}, "some are in fe80::/10, link-local addresses"},
    {{"--pool=m: fe00::1-fec0::1"}, "some are in fe80::/10, link-local addresses"},
    {{"--pool=m: ::ffff:192.0.2.0/120"}, "some are in ::ffff:0.0.0.0/96, IPv4-mapped addresses"},
    {{"--pool=m: ::/0"}, "that cannot be a source in the tunnel"},
    {{"--pool=m: 2001:db8:42::/64, 2001:db8:42::1"}, "overlaps '2001:db8:42::/64'"},

    {{"--source=from ff00::/8 keep"},
     "from 'ff00::/8' never matches: it is in ff00::/8, multicast addresses"},
    {{"--source=from fe80::/10 reject"},
     "from 'fe80::/10' never matches: it is in fe80::/10, link-local addresses"},
    {{"--source=from ::/128 reject"}, "never matches: it is in ::/128, the unspecified address"},
    {{"--source=from ::1/128 reject"}, "never matches: it is in ::1/128, the loopback address"},
    {{"--source=to ff02::/16 reject"},
     "to 'ff02::/16' never matches: it is in ff00::/8, multicast addresses"},
    {{"--source=to fe80::/64 reject"},
     "to 'fe80::/64' never matches: it is in fe80::/10, link-local addresses"},
    {{"--source=to ::ffff:192.0.2.0/120 reject"},
     "never matches: it is in ::ffff:0.0.0.0/96, IPv4-mapped addresses"},
    {{"--source=to ::192.0.2.0/120 reject"}, "never matches: it is in ::/96, IPv4-compatible addresses"},
    {{"--source=use fe80::1"}, "some are in fe80::/10, link-local addresses"},
    {{"--source=use ff02::1"}, "it is in ff00::/8, multicast addresses"},
    {{"--source=proto 1 reject"}, "protocol 1 is ICMP for IPv4; write icmpv6"},
    {{"--source=proto icmpv6 port 1 reject"}, "protocol icmpv6 has no ports"},
    {{"--source=proto 43 reject"}, "is an extension header"},
    {{"--source=proto tcp port 0 reject"}, "port '0' is reserved"},
    {{"--source=proto tcp port 25,0 reject"}, "port '0' is reserved"},
    {{"--source=proto tcp port 9-1 reject"}, "ends before it begins"},
    {{"--pool=m: 2001:db8:42::1", "--source=use m every 0"}, "'0' is not a number from 1"},
};

INSTANTIATE_TEST_SUITE_P(All, ConfigurationRefusals, ::testing::ValuesIn(refusals));

TEST(ConfigurationNeighbours, OfRefusedValuesAreAccepted) {
  for (const std::string argument : {"--interface=tun\xe9",
                                     "--interface=tun\xc3\xbc",
                                     "--interface=lo1",
                                     "--dev=default1",
                                     "--local=223.255.255.254",
                                     "--remote=128.0.0.1",
                                     "--address=fe80::2/64",
                                     "--address=2001:db8::2/1",
                                     "--address=2002:c000:201::1/16",
                                     "--address=2001:db8::2/64 peer fe80::1",
                                     "--address=fec0::1/64",
                                     "--prefix=2000::/3",
                                     "--prefix=fc00::/7",
                                     "--prefix=64:ff9b::/96",
                                     "--prefix=fec0::/10",
                                     "--route=::/0",
                                     "--route=::/1",
                                     "--route=8000::/1",
                                     "--route=64:ff9b::/96",
                                     "--route=fc00::/6",
                                     "--table=253",
                                     "--source=from ::/0 keep",
                                     "--source=to 8000::/1 keep",
                                     "--source=proto tcp port 0-1023 keep",
                                     "--source=proto 59 keep",
                                     "--source=proto 255 reject"}) {
    Words arguments{argument};
    if (!argument.starts_with("--remote")) arguments.emplace_back("--remote=192.0.2.2");
    const std::string outcome = outcome_of(arguments);
    EXPECT_TRUE(outcome.starts_with("accepted:")) << argument << ": " << outcome;
  }
  EXPECT_TRUE(
      outcome_of({"--remote=192.0.2.2", "--control=/" + std::string(106, 'x')}).starts_with("accepted:"));
  for (const Words& most :
       {Words{"--recorder=1048576", "--queues=4"}, Words{"--recorder=65536", "--queues=64"},
        Words{"--recorder=1048576", "--queues=auto"}}) {
    Words arguments{"--remote=192.0.2.2"};
    arguments.insert(arguments.end(), most.begin(), most.end());
    EXPECT_TRUE(outcome_of(arguments).starts_with("accepted:")) << outcome_of(arguments);
  }
  EXPECT_TRUE(outcome_of({"--remote=192.0.2.2", "--address=2001:db8::2/64", "--address=2001:db8::2/64",
                          "--prefix=2001:db8::/64", "--prefix=2001:db8::/48", "--prefix=2001:db8::/64",
                          "--route=::/0", "--route=::/0"})
                  .starts_with("accepted:"))
      << "repetitions and overlapping prefixes change nothing";
}

// With `queues = auto` the number of queues is known only after they are open.
TEST(RecorderExcess, IsOfAllQueuesTogether) {
  EXPECT_EQ(recorder_excess(0, max_queues), "");
  EXPECT_EQ(recorder_excess(Configuration{}.recorder, max_queues), "") << "the usual number always fits";
  EXPECT_EQ(recorder_excess(max_recorder, 4), "");
  EXPECT_EQ(recorder_excess(max_recorder, 5),
            "1048576 packets with 5 'queues' would take 1280 MiB, more than 1024 MiB: lower 'recorder' or "
            "'queues'");
  EXPECT_EQ(recorder_excess(65536, max_queues), "");
  EXPECT_NE(recorder_excess(65537, max_queues), "");
}

TEST(ConfigurationTables, MayRepeatThemselvesAndNotContradict) {
  const std::string table = ::testing::TempDir() + "sixin4-table-" + std::to_string(::getpid());
  const auto outcome_with = [&table](const std::string& text) {
    std::ofstream{table} << text;
    return outcome_of({"--remote=192.0.2.2", "--source=to @" + table + " keep"});
  };
  EXPECT_TRUE(
      outcome_with("2001:db8:7::/48\n2001:db8:7::/48\n2001:db8:8::1 reject\n2001:db8:8::1/128 reject\n")
          .starts_with("accepted:"));
  EXPECT_TRUE(outcome_with("ff00::/8 reject\n::/8\nfe80::/10\n").starts_with("accepted:"))
      << "lists of unroutable prefixes have these";
  EXPECT_EQ(outcome_with("2001:db8:7::/48\n\n2001:db8:7::/48 reject\n"),
            table + ":3: '2001:db8:7::/48' has another target in line 1");
  std::filesystem::remove(table);
}

}  // namespace
}  // namespace sixin4::config::testing
