// Medians and ratios of runs, as a table and as JSON.
#include "sixin4/testbed/report.hpp"

#include <algorithm>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "sixin4/testbed/results.hpp"

namespace sixin4::testbed::testing {
namespace {

Run run_of(int round, const std::string& contestant, const std::string& workload,
           std::vector<double> figures) {
  return {Setting{}, round, contestant, workload, std::move(figures), "", false, true};
}

/// Two rounds of one TCP flow: 4 and 2 Gbit/s, against 8 in the kernel; socat failed.
Results two_rounds() {
  Results results;
  results.plan = parse_plan(
      {"--rounds", "2", "--contestants", "raw,packet,socat,kernel", "--kernel-tunnel", "/f", "tcp"});
  results.kernel_release = "6.18.0";
  results.processors = 2;
  results.runs = {run_of(1, "raw", "tcp", {4e9, 2.5}), run_of(1, "kernel", "tcp", {8e9, 1}),
                  run_of(2, "raw", "tcp", {2e9, 3.5}), run_of(2, "kernel", "tcp", {8e9, 1})};
  Run failed = run_of(1, "socat", "tcp", {});
  failed.failure = "nothing arrived";
  results.runs.push_back(failed);
  results.not_available = {{"packet", "not known"}};
  return results;
}

TEST(Median, IsTheMiddleOneOrTheMeanOfTheTwoInTheMiddle) {
  EXPECT_EQ(median({3}), 3);
  EXPECT_EQ(median({9, 1, 5}), 5);
  EXPECT_EQ(median({9, 1, 5, 7}), 6);
}

TEST(Percentile, IsTheSmallestValueThatSoManyDoNotExceed) {
  std::vector<double> values;
  for (int value = 200; value >= 1; --value) values.push_back(value);
  EXPECT_EQ(percentile(values, 50), 100);
  EXPECT_EQ(percentile(values, 99), 198);
  EXPECT_EQ(percentile({7}, 99), 7);
  EXPECT_EQ(percentile({7}, 0), 7);
}

TEST(FigureText, HasThreeDigits) {
  EXPECT_EQ(figure_text(0), "0.00");
  EXPECT_EQ(figure_text(0.00018), "1.80e-04");
  EXPECT_EQ(figure_text(0.5), "0.50");
  EXPECT_EQ(figure_text(4.269), "4.27");
  EXPECT_EQ(figure_text(42.69), "42.7");
  EXPECT_EQ(figure_text(27079), "27079");
}

TEST(Results, WhoNeverStartedIsNotAvailableAndWhoDidOnceHasFailedRuns) {
  Results results = two_rounds();
  results.plan.contestants = {"raw", "packet", "socat", "kernel"};
  for (const std::string contestant : {"socat", "kernel"}) {
    auto missed = run_of(3, contestant, "tcp", {});
    missed.failure = "no luck";
    missed.started = false;
    results.runs.push_back(missed);
  }
  std::erase_if(results.runs, [](const auto& run) { return run.contestant == "socat" && run.started; });
  mark_never_started(results);
  ASSERT_EQ(results.not_available.size(), 2U);
  EXPECT_EQ(results.not_available[1].contestant, "socat");
  EXPECT_EQ(results.not_available[1].reason, "no luck");
  EXPECT_EQ(std::ranges::count(results.runs, "socat", &testbed::Run::contestant), 0);
  EXPECT_EQ(std::ranges::count(results.runs, "kernel", &testbed::Run::contestant), 3);
}

TEST(Rows, AreOneAFigureOfAWorkloadOfASetting) {
  const std::vector<Row> rows = rows_of(two_rounds());
  ASSERT_EQ(rows.size(), 2U);
  EXPECT_EQ(rows[0].figure.key, "bits_per_second");
  EXPECT_EQ(rows[1].figure.key, "cpu_seconds_per_gigabyte");
}

TEST(Rows, HaveMediansOfWhoTookPartInTheOrderOfThePlan) {
  const Row row = rows_of(two_rounds()).front();
  ASSERT_EQ(row.medians.size(), 3U);
  EXPECT_EQ(row.medians[0].contestant, "raw");
  EXPECT_EQ(row.medians[0].value, 3e9);
  EXPECT_EQ(row.medians[1].contestant, "socat");
  EXPECT_EQ(row.medians[1].value, std::nullopt) << "every run failed";
  EXPECT_EQ(row.medians[2].value, 8e9);
}

TEST(Rows, HaveRatiosToTheKernelAndToSocat) {
  const Row row = rows_of(two_rounds()).front();
  ASSERT_EQ(row.ratios.size(), 2U);
  EXPECT_EQ(row.ratios[0].contestant + '/' + row.ratios[0].reference, "raw/kernel");
  EXPECT_EQ(row.ratios[0].value, 0.375);
  EXPECT_EQ(row.ratios[1].contestant + '/' + row.ratios[1].reference, "raw/socat");
  EXPECT_EQ(row.ratios[1].value, std::nullopt);
}

TEST(Rows, HaveNoRatiosWithoutReference) {
  Results results = two_rounds();
  std::erase_if(results.runs, [](const auto& run) { return run.contestant != "raw"; });
  EXPECT_TRUE(rows_of(results).front().ratios.empty());
}

TEST(Table, IsAlignedAndSaysWhatIsMissing) {
  EXPECT_EQ(to_table(two_rounds()),
            "Linux 6.18.0, 2 processors\n"
            "\n"
            "mtu 1480, receive offload on, medians of 2 rounds, 2 s a measurement\n"
            "workload  unit       raw  socat  kernel  raw/kernel  raw/socat\n"
            "tcp       Gbit/s    3.00      -    8.00        0.38          -\n"
            "tcp       CPU s/GB  3.00      -    1.00        3.00          -\n"
            "\n"
            "not available: packet: not known\n"
            "\n"
            "failed: socat, tcp, round 1: nothing arrived\n");
}

TEST(Json, HasEveryRunAndTheMedians) {
  const std::string json = to_json(two_rounds());
  for (const std::string piece :
       {R"("kernel": "6.18.0")", R"("processors": 2)", R"("rounds": 2)", R"("failure": "nothing arrived")",
        R"("figures": null)", R"("raw": 3000000000.0)", R"("raw/kernel": 0.375)", R"("socat": null)",
        R"("reason": "not known")"}) {
    EXPECT_NE(json.find(piece), std::string::npos) << piece << " in\n" << json;
  }
}

}  // namespace
}  // namespace sixin4::testbed::testing
