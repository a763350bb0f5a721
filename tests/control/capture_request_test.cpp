// Requests for captures, and their answers.
#include "sixin4/control/capture_request.hpp"

#include <gtest/gtest.h>

namespace sixin4::control {
namespace {

TEST(CaptureRequest, ReadsBack) {
  EXPECT_EQ(snap_length_of(capture_request(262144)), 262144U);
  EXPECT_EQ(snap_length_of(capture_request(0)), 0U);
  for (const char* const other : {"capture", "capture ", "capture x", "capture -1", "capture 1 2",
                                  "capture 4294967296", "recorder", "show"}) {
    EXPECT_FALSE(snap_length_of(other)) << other;
  }
}

TEST(CaptureRequest, TheAnswerNamesTheInterface) {
  EXPECT_EQ(interface_of(capture_answer("he6\"\n")), "he6\"\n");
  EXPECT_ANY_THROW((void)interface_of("{}"));
  EXPECT_ANY_THROW((void)interface_of("null"));
}

}  // namespace
}  // namespace sixin4::control
