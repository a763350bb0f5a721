// The names of verdicts, which users and their scripts meet.
#include "sixin4/engine/verdict.hpp"

#include <array>
#include <cstddef>
#include <set>
#include <string_view>
#include <utility>

#include <gtest/gtest.h>

namespace sixin4::engine {
namespace {

std::string_view name(std::size_t value) {
  return name_of(static_cast<Verdict>(value));
}

TEST(Verdict, EveryNameIsItsOwn) {
  std::set<std::string_view> names;
  for (std::size_t value = 0; value < verdict_count; ++value) names.insert(name(value));
  EXPECT_EQ(names.size(), verdict_count);
}

TEST(Verdict, EveryNameIsKebabCase) {
  for (std::size_t value = 0; value < verdict_count; ++value) {
    const std::string_view each = name(value);
    ASSERT_FALSE(each.empty()) << value;
    EXPECT_EQ(each.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-"), std::string_view::npos)
        << each;
    EXPECT_NE(each.front(), '-') << each;
    EXPECT_NE(each.back(), '-') << each;
    EXPECT_EQ(each.find("--"), std::string_view::npos) << each;
  }
}

TEST(Verdict, EveryNameIsThatOfItsEnumerator) {
  constexpr std::array<std::pair<Verdict, std::string_view>, 25> expected{{
      {Verdict::pass, "pass"},
      {Verdict::not_ipv6, "not-ipv6"},
      {Verdict::malformed, "malformed"},
      {Verdict::loop, "loop"},
      {Verdict::source_rejected, "source-rejected"},
      {Verdict::flow_table_full, "flow-table-full"},
      {Verdict::pool_exhausted, "pool-exhausted"},
      {Verdict::source_not_ours, "source-not-ours"},
      {Verdict::too_big, "too-big"},
      {Verdict::wire_full, "wire-full"},
      {Verdict::wire_error, "wire-error"},
      {Verdict::wire_overflow, "wire-overflow"},
      {Verdict::outer_malformed, "outer-malformed"},
      {Verdict::outer_source_mismatch, "outer-source-mismatch"},
      {Verdict::outer_destination_mismatch, "outer-destination-mismatch"},
      {Verdict::inner_malformed, "inner-malformed"},
      {Verdict::inner_source_invalid, "inner-source-invalid"},
      {Verdict::inner_source_ours, "inner-source-ours"},
      {Verdict::ecn_invalid, "ecn-invalid"},
      {Verdict::inner_joined, "inner-joined"},
      {Verdict::icmp_mismatch, "icmp-mismatch"},
      {Verdict::icmp_ignored, "icmp-ignored"},
      {Verdict::tun_full, "tun-full"},
      {Verdict::tun_down, "tun-down"},
      {Verdict::tun_error, "tun-error"},
  }};
  for (const auto& [verdict, word] : expected) EXPECT_EQ(name_of(verdict), word);
  EXPECT_EQ(expected.size(), verdict_count) << "a new verdict is missing here";
}

}  // namespace
}  // namespace sixin4::engine
