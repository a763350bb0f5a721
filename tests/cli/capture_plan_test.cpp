// The command lines of `capture` and `recorder`.
#include "capture_plan.hpp"

#include <optional>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "sixin4/base/options.hpp"

namespace sixin4::cli {
namespace {

using Words = std::vector<std::string>;

std::string refusal(const Words& arguments) {
  try {
    (void)capture_plan_of(arguments);
    return "accepted";
  } catch (const base::ConfigurationError& error) {
    return error.what();
  }
}

TEST(CapturePlan, ANameAloneTakesEverythingAsLines) {
  const CapturePlan plan = capture_plan_of({"he6"});
  EXPECT_EQ(plan.control_path, "/run/sixin4/he6.sock");
  EXPECT_EQ(plan.file, "");
  EXPECT_EQ(plan.form, std::nullopt);
  EXPECT_EQ(plan.direction, std::nullopt);
  EXPECT_FALSE(plan.drops_only);
  EXPECT_EQ(plan.snap_length, 262144U);
  EXPECT_EQ(plan.count, std::nullopt);
  EXPECT_EQ(plan.rotation.kilobytes, 0U);
  EXPECT_EQ(filter_of(plan, "he6"), "");
}

TEST(CapturePlan, EveryOptionArrives) {
  const CapturePlan plan =
      capture_plan_of({"he6", "-w", "/tmp/x", "-i", "outer", "-Q", "in", "--drops", "-s", "96", "-c", "5",
                       "-b", "files:3", "-b", "filesize:1000", "tcp", "port", "25"});
  EXPECT_EQ(plan.file, "/tmp/x");
  EXPECT_EQ(plan.form, capture::Form::outer);
  EXPECT_EQ(plan.direction, engine::Direction::in);
  EXPECT_TRUE(plan.drops_only);
  EXPECT_EQ(plan.snap_length, 96U);
  EXPECT_EQ(plan.count, 5U);
  EXPECT_EQ(plan.rotation.files, 3U);
  EXPECT_EQ(plan.rotation.kilobytes, 1000U);
  EXPECT_EQ(filter_of(plan, "he6"), "tcp port 25");
  EXPECT_EQ(capture_plan_of({"he6", "-i", "inner"}).form, capture::Form::inner);
  EXPECT_EQ(capture_plan_of({"he6", "-i", "both"}).form, std::nullopt);
  EXPECT_EQ(capture_plan_of({"he6", "-Q", "out"}).direction, engine::Direction::out);
  EXPECT_EQ(capture_plan_of({"he6", "-s", "0"}).snap_length, 262144U) << "as tcpdump has it";
  EXPECT_EQ(capture_plan_of({"he6", "-w", "-"}).file, "-");
}

TEST(CapturePlan, APathStandsForTheNameWhichMayBeThereToo) {
  const Words path{"--control", "/tmp/near.sock"};
  EXPECT_EQ(capture_plan_of(path).control_path, "/tmp/near.sock");
  for (const Words& words : {Words{"udp", "port", "53"}, {"he6", "udp", "port", "53"}, {"udp port 53"}}) {
    Words arguments = path;
    arguments.insert(arguments.end(), words.begin(), words.end());
    const CapturePlan plan = capture_plan_of(arguments);
    EXPECT_EQ(plan.control_path, "/tmp/near.sock");
    EXPECT_EQ(filter_of(plan, "he6"), "udp port 53");
  }
}

TEST(CapturePlan, AWordThatIsAlsoTheNameIsOfTheFilter) {
  EXPECT_EQ(filter_of(capture_plan_of({"tcp", "tcp", "and", "port", "25"}), "tcp"), "tcp and port 25");
}

TEST(CapturePlan, MistakesAreNamed) {
  struct Mistake {
    Words arguments;
    std::string part;
  };
  for (const auto& [arguments, part] :
       std::vector<Mistake>{{{}, "capture needs the NAME"},
                            {{"he6", "-i", "middle"}, "form: 'middle' is neither inner nor outer nor both"},
                            {{"he6", "-Q", "up"}, "direction: 'up' is neither in nor out"},
                            {{"he6", "-c", "0"}, "count: '0' is not a number from 1 to 18446744073709551615"},
                            {{"he6", "-c", "12x"}, "count: '12x'"},
                            {{"he6", "-s", "-1"}, "snapshot-length"},
                            {{"he6", "-w", "f", "-b", "files:0", "-b", "filesize:1"}, "ring: '0'"},
                            {{"he6", "-w", "f", "-b", "filesize:4294967296"}, "from 1 to 4294967295"},
                            {{"he6", "-w", "f", "-b", "duration:5"}, "'duration:5' is neither"},
                            {{"he6", "-w", "f", "-b", "filesize"}, "'' is not a number"},
                            {{"he6", "-w", "f", "-b", "files:3"}, "needs filesize:KB"},
                            {{"he6", "-b", "filesize:3"}, "needs --write FILE"},
                            {{"he6", "-w", "-", "-b", "filesize:3"}, "needs --write FILE"},
                            {{"he6", "--nonsense"}, "nonsense"}}) {
    EXPECT_NE(refusal(arguments).find(part), std::string::npos) << part << ", but: " << refusal(arguments);
  }
}

TEST(RecorderPlan, HasAnEndpointAndAFile) {
  const CapturePlan plan = recorder_plan_of({"he6", "-w", "-"});
  EXPECT_EQ(plan.control_path, "/run/sixin4/he6.sock");
  EXPECT_EQ(plan.file, "-");
  const CapturePlan by_path = recorder_plan_of({"he6", "--control", "/tmp/near.sock"});
  EXPECT_EQ(by_path.control_path, "/tmp/near.sock");
  EXPECT_EQ(filter_of(by_path, "other"), "");
  EXPECT_THROW((void)recorder_plan_of({}), base::ConfigurationError);
  EXPECT_THROW((void)recorder_plan_of({"he6", "udp"}), base::ConfigurationError);
  EXPECT_THROW((void)recorder_plan_of({"he6", "-c", "3"}), base::ConfigurationError);
}

}  // namespace
}  // namespace sixin4::cli
