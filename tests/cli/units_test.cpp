// Quantities with units.
#include "units.hpp"

#include <gtest/gtest.h>

namespace sixin4::cli::testing {
namespace {

TEST(ForPeople, ARoundedThousandIsOneOfTheNextUnit) {
  EXPECT_EQ(bit_rate_for_people(0), "0 bit/s");
  EXPECT_EQ(bit_rate_for_people(999.4), "999 bit/s");
  EXPECT_EQ(bit_rate_for_people(999.6), "1.0 kbit/s");
  EXPECT_EQ(bit_rate_for_people(999'949), "999.9 kbit/s");
  EXPECT_EQ(bit_rate_for_people(999'960), "1.0 Mbit/s");
  EXPECT_EQ(bytes_for_people(5e15), "5000.0 TB");
}

TEST(ForPeople, AMinuteIsNoSixtySeconds) {
  EXPECT_EQ(seconds_for_people(59.94), "59.9 s");
  EXPECT_EQ(seconds_for_people(59.97), "0 h 1 min");
  EXPECT_EQ(seconds_for_people(3660), "1 h 1 min");
  EXPECT_EQ(seconds_for_people(90061), "1 d 1 h 1 min");
}

}  // namespace
}  // namespace sixin4::cli::testing
