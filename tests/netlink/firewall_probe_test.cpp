// The firewall probe in a network namespace with tables that nft(8) creates, and with a directory in place of
// /proc.
#include "sixin4/netlink/firewall_probe.hpp"

#include <filesystem>
#include <fstream>
#include <string>

#include <gtest/gtest.h>

#include "own_network.hpp"

namespace sixin4::netlink::testing {
namespace {

class IpLayerTest : public OwnNetwork {
 protected:
  void SetUp() override {
    OwnNetwork::SetUp();
    proc_ = std::filesystem::path{::testing::TempDir()} / ("proc-" + std::to_string(getpid()));
    std::filesystem::create_directories(proc_ / "net");
    std::filesystem::create_directories(proc_ / "sys/net/netfilter");
  }
  void TearDown() override { std::filesystem::remove_all(proc_); }

  std::filesystem::path proc_;
};

bool can(const std::string& command) {
  return std::system((command + " >/dev/null 2>&1").c_str()) == 0;
}

TEST_F(IpLayerTest, IsEmptyInANewNamespace) {
  EXPECT_EQ(packet_filter(proc_), std::nullopt);
  EXPECT_FALSE(has_ipsec_policy());
}

TEST_F(IpLayerTest, NftablesTablesOfIpv4AreNamed) {
  if (!can("nft list tables")) GTEST_SKIP() << "needs nft and a kernel with nftables";
  run("nft add table ip6 six && nft add table arp arps && nft add table bridge bridges");
  EXPECT_EQ(packet_filter(proc_), std::nullopt);
  run("nft add table inet both");
  EXPECT_EQ(packet_filter(proc_), "the nftables table inet both");
  run("nft delete table inet both && nft add table ip four");
  EXPECT_EQ(packet_filter(proc_), "the nftables table ip four");
}

TEST_F(IpLayerTest, IptablesTablesAreNamed) {
  std::ofstream{proc_ / "net/ip_tables_names"};
  EXPECT_EQ(packet_filter(proc_), std::nullopt);
  std::ofstream{proc_ / "net/ip_tables_names"} << "filter\nnat\n";
  EXPECT_EQ(packet_filter(proc_), "the iptables table filter");
}

TEST_F(IpLayerTest, WithoutProcNothingIsKnown) {
  std::filesystem::remove_all(proc_ / "net");
  EXPECT_THROW(static_cast<void>(packet_filter(proc_)), std::system_error);
}

TEST_F(IpLayerTest, TrackedConnectionsCount) {
  std::ofstream{proc_ / "sys/net/netfilter/nf_conntrack_count"} << "0\n";
  EXPECT_EQ(packet_filter(proc_), std::nullopt);
  std::ofstream{proc_ / "sys/net/netfilter/nf_conntrack_count"} << "7\n";
  EXPECT_EQ(packet_filter(proc_), "connection tracking");
}

// A symbolic link to itself is a file that even root cannot read.
TEST_F(IpLayerTest, AFileThatCannotBeReadIsNoFileThatIsNotThere) {
  for (const auto* name : {"net/ip_tables_names", "sys/net/netfilter/nf_conntrack_count"}) {
    std::filesystem::create_symlink(proc_ / name, proc_ / name);
    try {
      static_cast<void>(packet_filter(proc_));
      ADD_FAILURE() << name;
    } catch (const std::system_error& error) {
      EXPECT_NE(std::string{error.what()}.find(name), std::string::npos) << error.what();
    }
    std::filesystem::remove(proc_ / name);
  }
}

TEST_F(IpLayerTest, OnlyIpsecPoliciesForWhatLeavesCount) {
  const std::string selector = " src 10.0.0.0/8 dst 10.1.0.0/16";
  if (!can("ip xfrm policy add dir in" + selector)) GTEST_SKIP() << "needs a kernel with IPsec";
  EXPECT_FALSE(has_ipsec_policy());
  run("ip xfrm policy add dir out" + selector);
  EXPECT_TRUE(has_ipsec_policy());
}

TEST_F(IpLayerTest, WhoMayNotLookIsTold) {
  if (!can("nft list tables")) GTEST_SKIP() << "needs a kernel with nftables";
  const WithoutNetAdmin powerless;
  EXPECT_THROW(static_cast<void>(packet_filter(proc_)), std::system_error);
}

}  // namespace
}  // namespace sixin4::netlink::testing
