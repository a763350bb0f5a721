// Numbers in the text that a user writes.
#include "sixin4/base/number.hpp"

#include <cstdint>
#include <string>

#include <gtest/gtest.h>

namespace sixin4::base::testing {
namespace {

template <typename Number>
std::string mistake_in(const std::string& text, Number least, Number most, int base = 10) {
  try {
    return "accepted as " + std::to_string(parse_number(text, least, most, base));
  } catch (const ValueError& error) {
    return error.what();
  }
}

TEST(Number, IsTheWholeTextAndInItsRange) {
  EXPECT_EQ(number_in("10", 1, 10), 10);
  EXPECT_EQ(number_in("0", 1, 10), std::nullopt);
  EXPECT_EQ(number_in("11", 1, 10), std::nullopt);
  for (const char* text : {"", " 1", "1 ", "1x", "+1", "0x1", "1.0", "99999999999999999999"}) {
    EXPECT_EQ(number_in(text, 1, 10), std::nullopt) << text;
  }
  EXPECT_EQ(number_in<std::uint8_t>("256", 0, 255), std::nullopt);
  EXPECT_EQ(number_in("ff", 0, 255, 16), 255);
}

TEST(Number, MayHaveAPoint) {
  EXPECT_EQ(number_in("0.5", 0.1, 60.0), 0.5);
  for (const char* text : {"nan", "inf", "-1", "0.05", "60.1", "1,5"}) {
    EXPECT_EQ(number_in(text, 0.1, 60.0), std::nullopt) << text;
  }
}

TEST(Number, AMistakeNamesTheLimits) {
  EXPECT_EQ(mistake_in("x", 1, 64), "'x' is not a number from 1 to 64");
  EXPECT_EQ(mistake_in("x", 0.1, 60.0), "'x' is not a number from 0.1 to 60");
  EXPECT_EQ(mistake_in("100", 0, 255, 16), "'100' is not a number from 0 to ff, hexadecimal");
  try {
    (void)parse_number_option("count", "0", 1, 9);
    ADD_FAILURE();
  } catch (const ConfigurationError& error) {
    EXPECT_STREQ(error.what(), "command line: --count: '0' is not a number from 1 to 9");
  }
}

}  // namespace
}  // namespace sixin4::base::testing
