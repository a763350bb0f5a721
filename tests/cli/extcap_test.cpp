// The command lines of Wireshark.
#include "sixin4/cli/extcap.hpp"

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "sixin4/base/options.hpp"

#include "capture_plan.hpp"

namespace sixin4::cli {
namespace {

using Words = std::vector<std::string>;
using Task = ExtcapCall::Task;

TEST(Extcap, IsDistinctFromOtherCommandLines) {
  EXPECT_TRUE(is_extcap_call({"--extcap-interfaces", "--extcap-version=4.0"}));
  EXPECT_TRUE(is_extcap_call({"--extcap-config", "--extcap-interface", "sixin4-he6"}));
  EXPECT_TRUE(is_extcap_call({"--capture", "--extcap-interface", "sixin4-he6", "--fifo", "/tmp/x"}));
  EXPECT_FALSE(is_extcap_call({}));
  EXPECT_FALSE(is_extcap_call({"capture", "he6"}));
  EXPECT_FALSE(is_extcap_call({"--help"}));
}

TEST(Extcap, EachQuestionIsKnown) {
  EXPECT_EQ(extcap_call_of({"--extcap-interfaces", "--extcap-version=4.4"}).task, Task::interfaces);
  EXPECT_EQ(extcap_call_of({"--extcap-interfaces"}).task, Task::interfaces);
  EXPECT_EQ(extcap_call_of({"--extcap-dlts", "--extcap-interface", "sixin4-he6"}).task, Task::link_types);
  EXPECT_EQ(extcap_call_of({"--extcap-interface", "sixin4-he6", "--extcap-config"}).task,
            Task::configuration);
  const auto check =
      extcap_call_of({"--extcap-capture-filter", "tcp port 25", "--extcap-interface", "sixin4-he6"});
  EXPECT_EQ(check.task, Task::filter_check);
  EXPECT_EQ(check.filter, "tcp port 25");
}

TEST(Extcap, ACaptureIsTheVerbsIntoTheFifo) {
  const auto call = extcap_call_of({"--capture", "--extcap-interface", "sixin4-he6", "--fifo", "/tmp/fifo"});
  EXPECT_EQ(call.task, Task::capture);
  EXPECT_EQ(call.fifo, "/tmp/fifo");
  const CapturePlan plan = capture_plan_of(call.capture);
  EXPECT_EQ(plan.control_path, "/run/sixin4/he6.sock");
  EXPECT_EQ(plan.file, "-");
  EXPECT_EQ(plan.form, std::nullopt);
  EXPECT_FALSE(plan.drops_only);
  EXPECT_EQ(filter_of(plan, "he6"), "");
}

TEST(Extcap, TheConfigurationArrives) {
  const Words words{"--capture",  "--extcap-interface",
                    "sixin4-he6", "--extcap-capture-filter",
                    "tcp",        "--fifo",
                    "/tmp/fifo",  "--extcap-control-in",
                    "/tmp/in",    "--extcap-control-out",
                    "/tmp/out",   "--form",
                    "outer",      "--drops"};
  const CapturePlan plan = capture_plan_of(extcap_call_of(words).capture);
  EXPECT_EQ(plan.form, capture::Form::outer);
  EXPECT_TRUE(plan.drops_only);
  EXPECT_EQ(filter_of(plan, "he6"), "tcp");
  EXPECT_EQ(extcap_call_of(words).control_in, "/tmp/in");
  EXPECT_EQ(extcap_call_of(words).control_out, "/tmp/out");
  Words both = words;
  both.insert(both.end(), {"--filter", "port 25 or port 465"});
  EXPECT_EQ(extcap_call_of(both).filter, "tcp");
  EXPECT_EQ(extcap_call_of(both).second_filter, "port 25 or port 465");
}

TEST(Extcap, NothingOfAFilterOrANameIsAnOption) {
  const auto call = extcap_call_of({"--capture", "--extcap-interface", "sixin4--w", "--fifo", "/tmp/fifo",
                                    "--extcap-capture-filter=-w /tmp/elsewhere"});
  const CapturePlan plan = capture_plan_of(call.capture);
  EXPECT_EQ(plan.file, "-");
  EXPECT_EQ(plan.control_path, "/run/sixin4/-w.sock");
  EXPECT_EQ(filter_of(plan, "-w"), "-w /tmp/elsewhere");
}

std::string refusal(const Words& arguments) {
  try {
    (void)extcap_call_of(arguments);
    return "accepted";
  } catch (const base::ConfigurationError& error) {
    return error.what();
  }
}

TEST(Extcap, MistakesAreNamed) {
  const std::string unlisted{"command line: --extcap-interface: 'he6' is not listed by --extcap-interfaces"};
  EXPECT_EQ(refusal({"--extcap-dlts", "--extcap-interface", "he6"}), unlisted);
  EXPECT_NE(refusal({"--extcap-dlts"}), "accepted");
  EXPECT_NE(refusal({"--extcap-dlts", "--extcap-interface", "sixin4-"}), "accepted");
  EXPECT_EQ(refusal({"--extcap-interface", "sixin4-he6"}),
            "command line: --extcap-interface needs --capture");
  EXPECT_EQ(refusal({"--capture", "--extcap-interface", "sixin4-he6"}),
            "command line: --capture needs --fifo PATH");
  EXPECT_EQ(refusal({"--extcap-interfaces", "he6"}), "command line: 'he6' is not an argument of extcap(4)");
}

}  // namespace
}  // namespace sixin4::cli
