// The text and the JSON of `show`.
#include "status_text.hpp"

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "sixin4/control/control_socket.hpp"

#include "../control/statuses.hpp"

namespace sixin4::cli::testing {
namespace {

using control::testing::busy;
using control::testing::fresh;

TEST(StatusTest, MachinesGetAListInTheOrderGiven) {
  EXPECT_EQ(show_json({}), "[]\n");
  EXPECT_EQ(show_json(std::vector<std::string>{R"({"b":1,"a":{}})", R"({"c":null})"}),
            "[\n  {\n    \"b\": 1,\n    \"a\": {}\n  },\n  {\n    \"c\": null\n  }\n]\n");
}

TEST(StatusTest, PeopleSeeDropsAndWhenTheFarEndWasHeard) {
  control::Status status = busy();
  status.in.packets = 9;
  EXPECT_EQ(show_text(std::vector{to_json(status)}),
            "he6: up, 192.0.2.1 > 192.0.2.2, mtu 1480, path mtu 1500, wire raw (as configured)\n"
            "  running for 12.5 s, far end heard 0.4 s ago, rtt 8.1 ms, loss 25.0 %\n"
            "  without tun-in-tcp (refused)\n"
            "  out           10 packets   12.8 kB, ICMPv6 errors sent: 1, dropped: too-big 1\n"
            "  in             9 packets    9.0 kB, dropped: ecn-invalid 2, outer-source-mismatch 3\n");
}

TEST(StatusTest, PeopleSeeThatNothingHasHappenedYet) {
  EXPECT_EQ(show_text(std::vector{to_json(fresh())}),
            "sixin4: down, 192.0.2.1 > 192.0.2.2, mtu 1280, path mtu 0, wire raw (as configured)\n"
            "  running for 0.0 s, far end not heard yet\n"
            "  out            0 packets       0 B\n"
            "  in             0 packets       0 B\n");
}

TEST(StatusTest, AStateOtherThanUpHasAReason) {
  control::Status status = fresh();
  status.reason = "no IPv4 path to 192.0.2.2: this host has no route to it";
  const std::vector<std::pair<control::EndpointState, std::string>> names{
      {control::EndpointState::down, "down"},
      {control::EndpointState::no_path, "no-path"},
      {control::EndpointState::moved, "moved"}};
  for (const auto& [state, name] : names) {
    status.state = state;
    const std::string json = to_json(status);
    EXPECT_NE(json.find("\"state\":\"" + name + "\""), std::string::npos) << json;
    EXPECT_NE(json.find("\"reason\":\"" + status.reason + "\""), std::string::npos) << json;
    const std::string text = show_text(std::vector{json});
    EXPECT_EQ(text.substr(0, text.find(", 192.0.2.1")), "sixin4: " + name + " (" + status.reason + ")");
  }
  EXPECT_EQ(to_json(busy()).find("\"reason\""), std::string::npos);
}

TEST(StatusTest, PeopleSeeEveryEndpointOneBelowTheOther) {
  const std::vector<std::string> both{to_json(busy()), to_json(fresh())};
  EXPECT_EQ(show_text({}), "");
  EXPECT_EQ(show_text(both), show_text(std::vector{both[0]}) + show_text(std::vector{both[1]}));
}

std::string running_for(double seconds) {
  control::Status status = fresh();
  status.uptime_s = seconds;
  const std::string text = show_text(std::vector{to_json(status)});
  const std::size_t start = text.find("running for ") + 12;
  return text.substr(start, text.find(',', start) - start);
}

TEST(StatusTest, TimesAreWrittenAsPeopleSayThem) {
  EXPECT_EQ(running_for(59.9), "59.9 s");
  EXPECT_EQ(running_for(60), "0 h 1 min");
  EXPECT_EQ(running_for(3600 + 59 * 60 + 59), "1 h 59 min");
  EXPECT_EQ(running_for(86399), "23 h 59 min");
  EXPECT_EQ(running_for(86400), "1 d 0 h 0 min");
  EXPECT_EQ(running_for(400 * 86400.0 + 3 * 3600 + 5 * 60), "400 d 3 h 5 min");
}

std::string bytes_shown(std::uint64_t bytes) {
  control::Status status = fresh();
  status.out.bytes = bytes;
  const std::string text = show_text(std::vector{to_json(status)});
  const std::size_t start = text.find_first_not_of(' ', text.find(" packets ") + 9);
  return text.substr(start, text.find('\n', start) - start);
}

TEST(StatusTest, BytesAreCountedInThousands) {
  EXPECT_EQ(bytes_shown(999), "999 B");
  EXPECT_EQ(bytes_shown(1000), "1.0 kB");
  EXPECT_EQ(bytes_shown(1250000), "1.2 MB");
  EXPECT_EQ(bytes_shown(5500000000), "5.5 GB");
  EXPECT_EQ(bytes_shown(5500000000000), "5.5 TB");
  EXPECT_EQ(bytes_shown(5500000000000000), "5500.0 TB");
}

TEST(StatusTest, OfAnotherVersionIsARefusal) {
  for (const std::string status : {"null", "{}", R"({"interface":7})"}) {
    EXPECT_THROW(static_cast<void>(show_text(std::vector{status})), control::EndpointRefusal) << status;
  }
}

TEST(StatusTest, ShowsNamesOfAnyBytes) {
  control::Status status;
  status.interface = "tun\xe9";
  status.wire_reason = "the nftables table ip \x1b[31m";
  const std::string json = to_json(status);
  EXPECT_NE(json.find(R"("tun\\xe9")"), std::string::npos) << json;
  const std::string text = show_text(std::vector{json});
  EXPECT_TRUE(text.starts_with("tun\\xe9: down")) << text;
  EXPECT_NE(text.find("table ip \\x1b[31m)"), std::string::npos) << text;
}

}  // namespace
}  // namespace sixin4::cli::testing
