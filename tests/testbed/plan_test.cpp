// The arguments of `sixin4 bench`, and the messages for invalid ones.
#include "sixin4/testbed/plan.hpp"

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "sixin4/base/options.hpp"
#include "sixin4/testbed/workloads.hpp"

namespace sixin4::testbed::testing {
namespace {

using Words = std::vector<std::string>;

std::string refusal(const Words& arguments) {
  try {
    (void)parse_plan(arguments);
    return "accepted";
  } catch (const base::ConfigurationError& error) {
    return error.what();
  }
}

TEST(Plan, WithoutArgumentsEveryWorkloadRunsOnceWithWhatNeedsNoFile) {
  const Plan plan = parse_plan({});
  EXPECT_FALSE(plan.json);
  EXPECT_EQ(plan.rounds, 1);
  EXPECT_EQ(plan.seconds, 2);
  EXPECT_EQ(plan.contestants, (Words{"raw", "packet", "packet-offload", "socat"}));
  EXPECT_EQ(plan.settings, (std::vector<Setting>{{.mtu = 1480, .receive_offload = true}}));
  EXPECT_EQ(plan.workloads,
            (Words{"tcp", "tcp8", "tcp-both", "udp64", "udp1200", "udp-gso", "rtt", "rtt-load"}));
}

TEST(Plan, TakesWhatIsGiven) {
  const Plan plan = parse_plan({"--json", "--rounds", "5", "--seconds=0.3", "--contestants", "raw,kernel",
                                "--kernel-tunnel", "/lib/tunnel.o", "rtt", "tcp"});
  EXPECT_TRUE(plan.json);
  EXPECT_EQ(plan.rounds, 5);
  EXPECT_EQ(plan.seconds, 0.3);
  EXPECT_EQ(plan.contestants, (Words{"raw", "kernel"}));
  EXPECT_EQ(plan.kernel_tunnel, "/lib/tunnel.o");
  EXPECT_EQ(plan.workloads, (Words{"rtt", "tcp"}));
}

TEST(Plan, SettingsAreEveryMtuWithEveryReceiveOffload) {
  const Plan plan = parse_plan({"--mtu", "1280,1480", "--receive-offload", "both"});
  EXPECT_EQ(plan.settings, (std::vector<Setting>{{1280, true}, {1280, false}, {1480, true}, {1480, false}}));
}

TEST(Plan, AnObjectFileBringsTheKernelIn) {
  EXPECT_EQ(parse_plan({"--kernel-tunnel", "/lib/tunnel.o"}).contestants,
            (Words{"raw", "packet", "packet-offload", "socat", "kernel"}));
}

TEST(Plan, ARelativeObjectFileIsFoundFromAnywhere) {
  EXPECT_TRUE(parse_plan({"--kernel-tunnel", "tunnel.o"}).kernel_tunnel.starts_with('/'));
}

TEST(Plan, MistakesAreRefusedWithTheOptionTheValueAndTheMend) {
  EXPECT_EQ(refusal({"tpc"}),
            "command line: unknown workload 'tpc'; the workloads are tcp, tcp8, tcp-both, udp64, udp1200, "
            "udp-gso, rtt, "
            "rtt-load");
  EXPECT_EQ(refusal({"--contestants", "raw,sit"}),
            "command line: --contestants: 'sit' is not one of raw, packet, packet-offload, kept, "
            "rewritten, unrecorded, captured, socat, kernel");
  EXPECT_EQ(
      refusal({"--contestants", "kernel"}),
      "command line: --contestants: kernel needs --kernel-tunnel FILE, the object file kernel_tunnel.bpf.o");
  EXPECT_EQ(refusal({"--rounds", "0"}), "command line: --rounds: '0' is not a number from 1 to 100");
  EXPECT_EQ(refusal({"--rounds", "2x"}), "command line: --rounds: '2x' is not a number from 1 to 100");
  EXPECT_EQ(refusal({"--seconds", "0"}), "command line: --seconds: '0' is not a number from 0.1 to 60");
  EXPECT_EQ(refusal({"--seconds", "nan"}), "command line: --seconds: 'nan' is not a number from 0.1 to 60");
  EXPECT_EQ(refusal({"--mtu", "1480,1481"}), "command line: --mtu: '1481' is not a number from 1280 to 1480");
  EXPECT_EQ(refusal({"--receive-offload", "yes"}),
            "command line: --receive-offload: 'yes' is neither on nor off nor both");
}

TEST(Plan, TheHelpTextNamesOptionsWorkloadsAndContestants) {
  const std::string text = describe_bench();
  for (const std::string name :
       {"--json", "--rounds", "--seconds", "--contestants", "--mtu", "--receive-offload", "--kernel-tunnel",
        "raw", "packet", "socat", "kernel"}) {
    EXPECT_NE(text.find(name), std::string::npos) << name << " in\n" << text;
  }
  for (const Workload& workload : workloads()) {
    EXPECT_NE(text.find(workload.name), std::string::npos) << workload.name << " in\n" << text;
  }
}

}  // namespace
}  // namespace sixin4::testbed::testing
