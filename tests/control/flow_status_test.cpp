// Requests for the list of flows.
#include "sixin4/control/flow_status.hpp"

#include <gtest/gtest.h>

namespace sixin4::control::testing {
namespace {

TEST(FlowStatus, ARequestNamesItsFirstFlow) {
  EXPECT_EQ(first_flow_of(flow_request(0)), 0U);
  EXPECT_EQ(first_flow_of(flow_request(4096)), 4096U);
  for (const char* other : {"show", "flows", "flows ", "flows x", "flows 1 2", "flows -1"}) {
    EXPECT_FALSE(first_flow_of(other)) << other;
  }
}

}  // namespace
}  // namespace sixin4::control::testing
