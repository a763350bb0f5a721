// The request of `explain`, written and read.
#include "sixin4/control/explanation.hpp"

#include <gtest/gtest.h>

#include "../netlink/own_network.hpp"

namespace sixin4::control::testing {
namespace {

using namespace netlink::testing;

TEST(Explanation, AQuestionTravelsWhole) {
  const ExplainQuery query{
      .destination = ip6("2001:db8:9::1"), .from = ip6("2001:db8:41::2"), .protocol = 17, .port = 53};
  const auto read = explain_query_of(explain_request(query));
  ASSERT_TRUE(read);
  EXPECT_EQ(read->destination, query.destination);
  EXPECT_EQ(read->from, query.from);
  EXPECT_EQ(read->protocol, 17);
  EXPECT_EQ(read->port, 53);
  EXPECT_FALSE(explain_query_of(explain_request({.destination = query.destination}))->from);
  for (const char* other : {"show", "explain", "explain {}", "explain {", R"(explain {"destination":"x"})"}) {
    EXPECT_FALSE(explain_query_of(other)) << other;
  }
}

}  // namespace
}  // namespace sixin4::control::testing
