// The pages of the list of flows, and their text.
#include "flow_text.hpp"

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "sixin4/control/flow_status.hpp"

#include "../netlink/own_network.hpp"

namespace sixin4::cli::testing {
namespace {

using namespace netlink::testing;

control::FlowStatus connection() {
  return {.protocol = 6,
          .source = ip6("2001:db8:41::2"),
          .outside_source = ip6("2001:db8:42::25"),
          .destination = ip6("2001:db8:9::1"),
          .source_port = 40326,
          .destination_port = 25,
          .state = "established",
          .rule = 3,
          .idle_s = 2};
}
control::FlowStatus datagrams_from_outside() {
  return {.protocol = 50,
          .source = ip6("2001:db8:41::2"),
          .outside_source = ip6("2001:db8:41::2"),
          .destination = ip6("2001:db8:9::1"),
          .state = "opening",
          .begun_inside = false};
}

TEST(FlowStatus, AllPagesAreAskedForAndBecomeOneList) {
  std::vector<std::string> asked;
  const auto pages = ask_for_flows([&](const std::string& request) {
    asked.push_back(request);
    if (asked.size() == 1) return to_json(control::FlowPage{.flows = {connection()}, .next = 2048});
    return to_json(control::FlowPage{.flows = {datagrams_from_outside()}, .next = {}});
  });
  EXPECT_EQ(asked, (std::vector{control::flow_request(0), control::flow_request(2048)}));
  EXPECT_EQ(flows_text(pages),
            "tcp 2001:db8:41::2.40326 > 2001:db8:9::1.25 as 2001:db8:42::25, established, rule 3, idle 2 s\n"
            "50 2001:db8:41::2 < 2001:db8:9::1, opening, idle 0 s\n");
  const std::string list = flows_json(pages);
  EXPECT_NE(list.find("\"outside_source\": \"2001:db8:42::25\""), std::string::npos) << list;
  EXPECT_NE(list.find("\"begun\": \"outside\""), std::string::npos) << list;
}

TEST(FlowStatus, WithoutFlowsTheListIsEmpty) {
  const auto pages = ask_for_flows([](const std::string&) { return to_json(control::FlowPage{}); });
  EXPECT_EQ(flows_text(pages), "");
  EXPECT_EQ(flows_json(pages), "[]\n");
}

}  // namespace
}  // namespace sixin4::cli::testing
