// The text of `show --watch`.
#include "live_view.hpp"

#include <chrono>
#include <cstdint>
#include <limits>
#include <optional>
#include <sstream>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "sixin4/control/status.hpp"

namespace sixin4::cli::testing {
namespace {

using namespace std::chrono_literals;

constexpr LookTime start{1000s};
constexpr std::size_t usual_width = 80;

control::Status he6(double uptime_s) {
  return {.interface = "he6",
          .local = "192.0.2.1",
          .remote = "192.0.2.2",
          .state = control::EndpointState::up,
          .mtu = 1480,
          .path_mtu = 1500,
          .wire = "raw",
          .wire_reason = "as configured",
          .uptime_s = uptime_s,
          .out = {.packets = 10, .bytes = 12800, .drops = {{"too-big", 1}}},
          .in = {.packets = 9, .bytes = 9000, .drops = {{"outer-source-mismatch", 3}}},
          .flows = 12,
          .last_heard_s = 0.4,
          .rtt_ms = 8.1,
          .loss = 0.25};
}

Look look(std::chrono::milliseconds at, const std::vector<control::Status>& statuses) {
  Look result{.time = start + at, .endpoints = {}};
  for (const control::Status& status : statuses) {
    result.endpoints.push_back({.name = status.interface, .time = start + at, .status = to_json(status)});
  }
  return result;
}

std::vector<std::string> lines_of(const std::string& text) {
  std::istringstream stream{text};
  std::vector<std::string> lines;
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

TEST(LiveView, TheFirstLookHasNoRates) {
  EXPECT_EQ(live_view(std::vector{look(0s, {he6(3700)})}, usual_width),
            "he6: up, 192.0.2.1 > 192.0.2.2, runs 1 h 1 min\n"
            "  mtu 1480, path mtu 1500, wire raw, flows 12\n"
            "  far end heard 0.4 s ago, rtt 8.1 ms, loss 25.0 %\n"
            "                           now            mean of 10 s            mean of 60 s\n"
            "  out           -            -          -            -          -            -\n"
            "  in            -            -          -            -          -            -\n"
            "  dropped                                         total       since last look\n"
            "  out too-big                                         1\n"
            "  in  outer-source-mismatch                           3\n");
}

TEST(LiveView, RatesOfNowAndMeansOfTheLastMinute) {
  std::vector<Look> looks;
  control::Status status = he6(100);
  for (int second = 0; second <= 90; ++second) {
    // A packet a second, ten in the last ten, and 1250000 bytes more in the last one.
    status.uptime_s += 1;
    status.out.packets += second > 80 ? 10 : 1;
    if (second == 90) status.out.bytes += 1250000;
    if (second == 90) status.out.drops["too-big"] += 4;
    looks.push_back(look(std::chrono::seconds{second}, {status}));
  }
  const auto lines = lines_of(live_view(looks, usual_width));
  ASSERT_EQ(lines.size(), 9U);
  EXPECT_EQ(lines[4], "  out    10.0 pps  10.0 Mbit/s   10.0 pps   1.0 Mbit/s    2.5 pps 166.7 kbit/s");
  EXPECT_EQ(lines[5], "  in      0.0 pps      0 bit/s    0.0 pps      0 bit/s    0.0 pps      0 bit/s");
  EXPECT_EQ(lines[7], "  out too-big                                         5                    +4");
  EXPECT_EQ(lines[8], "  in  outer-source-mismatch                           3");
}

TEST(LiveView, AfterARestartOnlyTheNewRunCounts) {
  control::Status busy = he6(5000);
  busy.out.packets = 1000000;
  const std::vector looks{look(0s, {busy}), look(1s, {he6(0.5)}), look(2s, {he6(1.5)})};
  const auto at_restart = lines_of(live_view(std::span{looks}.first(2), usual_width));
  EXPECT_EQ(at_restart[4], "  out           -            -          -            -          -            -");
  const auto later = lines_of(live_view(looks, usual_width));
  EXPECT_EQ(later[4], "  out     0.0 pps      0 bit/s    0.0 pps      0 bit/s    0.0 pps      0 bit/s");
}

TEST(LiveView, ShowsEndpointsWithoutAStatus) {
  EXPECT_EQ(live_view(std::vector{look(0s, {})}, usual_width), "no endpoint is running\n");
  Look silent = look(0s, {});
  silent.endpoints.push_back({.name = "he6", .time = start});
  EXPECT_EQ(live_view(std::vector{silent}, usual_width), "he6: not running\n");
  silent.endpoints[0].silence = "the endpoint at /run/sixin4/he6.sock does not answer";
  EXPECT_EQ(live_view(std::vector{silent}, usual_width),
            "he6: does not answer: the endpoint at /run/sixin4/he6.sock does not answer\n");
}

TEST(LiveView, AnEndpointThatEndedIsShownSo) {
  control::Status other = he6(10);
  other.interface = "he7";
  const std::vector looks{look(0s, {he6(10), other}), look(1s, {other}), look(12s, {other})};
  const std::string text = live_view(looks, usual_width);
  EXPECT_EQ(text.substr(0, text.find("mtu")),
            "he6: has ended, last seen 12.0 s ago\n\n"
            "he7: up, 192.0.2.1 > 192.0.2.2, runs 10.0 s\n  ");
  std::vector<Look> and_back = looks;
  and_back.push_back(look(13s, {he6(0.1), other}));
  EXPECT_EQ(lines_of(live_view(and_back, usual_width))[0], "he6: up, 192.0.2.1 > 192.0.2.2, runs 0.1 s");
}

TEST(LiveView, NoLineIsLongerThanTheWidth) {
  control::Status previous = he6(401 * 86400.0 - 30);
  previous.state = control::EndpointState::down;
  previous.reason = "interface fifteen-letters is down";
  previous.interface = "fifteen-letters";
  previous.local = previous.remote = "192.168.100.200";
  control::Status current = previous;
  current.uptime_s += 1;
  const std::uint64_t many = std::numeric_limits<std::uint64_t>::max();
  current.out.packets += 999999;
  current.out.bytes += 124987500000;
  for (const char* reason : {"not-ipv6", "malformed", "loop", "source-rejected", "flow-table-full",
                             "pool-exhausted", "source-not-ours", "wire-full", "wire-error"}) {
    previous.out.drops[reason] = 1;
    current.out.drops[reason] = many;
  }
  for (const char* reason : {"wire-overflow", "outer-malformed", "outer-destination-mismatch",
                             "inner-malformed", "inner-source-invalid", "inner-source-ours", "ecn-invalid",
                             "icmp-mismatch", "icmp-ignored", "tun-full", "tun-down", "tun-error"}) {
    previous.in.drops[reason] = 1;
    current.in.drops[reason] = many;
  }
  const std::vector looks{look(0s, {previous}), look(1s, {current})};
  const auto lines = lines_of(live_view(looks, usual_width));
  ASSERT_EQ(lines.size(), 8U + 10 + 13);
  EXPECT_EQ(lines[1], "  interface fifteen-letters is down");
  EXPECT_EQ(lines, lines_of(live_view(looks, 200))) << "nothing is cut at 80 columns";
  for (const std::string& line : lines) EXPECT_LE(line.size(), usual_width) << line;
  EXPECT_EQ(lines[5], "  out  999999 pps 999.9 Gbit/s 999999 pps 999.9 Gbit/s 999999 pps 999.9 Gbit/s");
  for (const std::string& line : lines_of(live_view(looks, 30))) EXPECT_LE(line.size(), 30U) << line;
}

TEST(LiveView, MillionsOfPacketsHaveTheirUnit) {
  const control::Status previous = he6(10);
  control::Status current = he6(11);
  current.in.packets += 12345678;
  const auto lines = lines_of(live_view(std::vector{look(0s, {previous}), look(1s, {current})}, usual_width));
  EXPECT_EQ(lines[5], "  in    12.3 Mpps      0 bit/s  12.3 Mpps      0 bit/s  12.3 Mpps      0 bit/s");
}

TEST(LiveView, AnAnswerOfAnotherShapeIsOneThatDoesNotAnswer) {
  const std::string good = to_json(he6(10));
  EXPECT_EQ(look_of("he6", start, good).status, good);
  const auto with = [&good](const std::string& part, const std::string& other) {
    std::string answer = good;
    const auto at = answer.find(part);
    EXPECT_NE(at, std::string::npos) << part;
    return answer.replace(at, part.size(), other);
  };
  for (const std::string& answer :
       {std::string{}, std::string{"no JSON"}, std::string{"{}"}, std::string{"[]"}, std::string{"null"},
        std::string{R"({"interface":5})"}, with("\"interface\":\"he6\"", "\"interface\":5"),
        with("\"uptime_s\":10.0", "\"uptime_s\":\"10\""), with("\"packets\":10", "\"packets\":\"10\""),
        with("\"packets\":10", "\"packets\":1e300"), with("\"bytes\":9000", "\"bytes\":-1"),
        with("\"too-big\":1", "\"too-big\":0.5"), with("{\"too-big\":1}", "[1]")}) {
    const EndpointLook odd = look_of("he7", start, answer);
    EXPECT_EQ(odd.status, "") << answer;
    const Look one{.time = start, .endpoints = {look_of("he6", start, good), odd}};
    const auto lines = lines_of(live_view(std::vector{one}, 200));
    EXPECT_EQ(lines.front(), "he6: up, 192.0.2.1 > 192.0.2.2, runs 10.0 s") << answer;
    EXPECT_EQ(lines.back(),
              "he7: does not answer: the answer is not that of this version of sixin4; "
              "restart the endpoint")
        << answer;
  }
}

TEST(LiveView, RowsThatDoNotFitAreCounted) {
  EXPECT_EQ(cut_to_rows("a\nb\nc\n", 3), "a\nb\nc\n");
  EXPECT_EQ(cut_to_rows("a\nb\nc\nd\n", 3), "a\nb\n(2 more lines)\n");
  EXPECT_EQ(cut_to_rows("a\nb\nc\n", 1), "(3 more lines)\n");
}

}  // namespace
}  // namespace sixin4::cli::testing
