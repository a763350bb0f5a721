// Decapsulation of the ECN field: figure 4 of RFC 6040 §4.2, every cell with every DSCP.
#include "sixin4/engine/ecn.hpp"

#include <cstdint>
#include <optional>

#include <gtest/gtest.h>

namespace sixin4::engine {
namespace {

struct Cell {
  std::uint8_t inner;
  std::uint8_t outer;
  std::optional<std::uint8_t> result;  ///< empty: dropped
};

// In the order of the printed figure: Not-ECT, ECT(0), ECT(1), CE.
constexpr Cell figure_4[] = {
    {0b00, 0b00, 0b00}, {0b00, 0b10, 0b00}, {0b00, 0b01, 0b00}, {0b00, 0b11, std::nullopt},
    {0b10, 0b00, 0b10}, {0b10, 0b10, 0b10}, {0b10, 0b01, 0b01}, {0b10, 0b11, 0b11},
    {0b01, 0b00, 0b01}, {0b01, 0b10, 0b01}, {0b01, 0b01, 0b01}, {0b01, 0b11, 0b11},
    {0b11, 0b00, 0b11}, {0b11, 0b10, 0b11}, {0b11, 0b01, 0b11}, {0b11, 0b11, 0b11},
};

TEST(Ecn, EveryCellOfFigure4HoldsWithEveryDscp) {
  for (const auto& [inner, outer, result] : figure_4) {
    for (unsigned dscp = 0; dscp < 64; ++dscp) {
      const auto inner_class = static_cast<std::uint8_t>(dscp << 2U | inner);
      const auto outer_tos = static_cast<std::uint8_t>((63 - dscp) << 2U | outer);
      const auto made = decapsulated_traffic_class(inner_class, outer_tos);
      ASSERT_EQ(made.has_value(), result.has_value()) << int{inner} << " in " << int{outer};
      if (!result) continue;
      EXPECT_EQ(*made, dscp << 2U | *result) << int{inner} << " in " << int{outer};
    }
  }
}

TEST(Ecn, IsKnownWhenCompiled) {
  static_assert(decapsulated_traffic_class(0b1011'1010, 0b11) == 0b1011'1011);
  static_assert(!decapsulated_traffic_class(0b1011'1000, 0b11));
}

}  // namespace
}  // namespace sixin4::engine
