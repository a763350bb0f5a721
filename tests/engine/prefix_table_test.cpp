// Longest-prefix look-ups, compared with a linear search.
#include "sixin4/engine/prefix_table.hpp"

#include <optional>
#include <random>
#include <vector>

#include <gtest/gtest.h>

namespace sixin4::engine {
namespace {

using Entries = std::vector<PrefixTable::Entry>;

constexpr wire::Ipv6Address address(std::uint64_t high, std::uint64_t low) {
  return wire::Ipv6Address::of_words(high, low);
}
constexpr std::uint64_t documentation = 0x20010db800000000;
constexpr std::uint64_t all_ones = ~std::uint64_t{0};

PrefixTable::Value find_by_walking(const Entries& entries, const wire::Ipv6Address& wanted) {
  int longest = -1;
  PrefixTable::Value value = PrefixTable::absent;
  for (const PrefixTable::Entry& entry : entries) {
    if (entry.prefix.length < longest || !entry.prefix.contains(wanted)) continue;
    longest = entry.prefix.length;
    value = entry.value;
  }
  return value;
}

TEST(PrefixTable, AnEmptyOneHoldsNothing) {
  EXPECT_EQ(PrefixTable{}.find(address(documentation, 1)), PrefixTable::absent);
  EXPECT_EQ(PrefixTable{Entries{}}.find(address(0, 0)), PrefixTable::absent);
}

TEST(PrefixTable, TheLongestPrefixDecidesAndTheShorterOneGoesOnBehindIt) {
  const PrefixTable table{{{{address(documentation, 0), 32}, 1},
                           {{address(documentation, 0), 48}, 2},
                           {{address(documentation + 0x20000, 0), 48}, 3}}};
  EXPECT_EQ(table.find(address(documentation - 1, all_ones)), PrefixTable::absent);
  EXPECT_EQ(table.find(address(documentation, 0)), 2U);
  EXPECT_EQ(table.find(address(documentation + 0xffff, all_ones)), 2U);
  EXPECT_EQ(table.find(address(documentation + 0x10000, 0)), 1U);
  EXPECT_EQ(table.find(address(documentation + 0x2ffff, all_ones)), 3U);
  EXPECT_EQ(table.find(address(documentation + 0x30000, 0)), 1U);
  EXPECT_EQ(table.find(address(documentation + 0xffffffff, all_ones)), 1U);
  EXPECT_EQ(table.find(address(documentation + 0x100000000, 0)), PrefixTable::absent);
}

TEST(PrefixTable, ReachesToBothEndsOfTheAddressSpace) {
  const PrefixTable table{
      {{{address(0, 0), 0}, 1}, {{address(0, 0), 128}, 2}, {{address(all_ones, all_ones), 128}, 3}}};
  EXPECT_EQ(table.find(address(0, 0)), 2U);
  EXPECT_EQ(table.find(address(0, 1)), 1U);
  EXPECT_EQ(table.find(address(all_ones, all_ones - 1)), 1U);
  EXPECT_EQ(table.find(address(all_ones, all_ones)), 3U);
}

TEST(PrefixTable, OfTheSamePrefixTheLastCounts) {
  const PrefixTable table{{{{address(documentation, 0), 32}, 1}, {{address(documentation, 7), 32}, 2}}};
  EXPECT_EQ(table.find(address(documentation, 5)), 2U);
  EXPECT_EQ(table.find(address(documentation + 0x100000000, 0)), PrefixTable::absent);
}

TEST(PrefixTable, AgreesWithAWalkThroughAllPrefixes) {
  std::mt19937_64 random{4213};
  for (int round = 0; round < 200; ++round) {
    // Few bits differ, so that prefixes are nested.
    const auto any_address = [&] {
      return address(documentation | (random() & 0x7000000070000), random() & 0xc000000000000003);
    };
    Entries entries(random() % 40);
    for (PrefixTable::Entry& entry : entries) {
      entry = {.prefix = {any_address(), static_cast<std::uint8_t>(random() % 129)},
               .value = static_cast<PrefixTable::Value>(random() % 1000)};
    }
    const PrefixTable table{entries};
    std::vector<wire::Ipv6Address> asked;
    for (int i = 0; i < 50; ++i) asked.push_back(any_address());
    for (const PrefixTable::Entry& entry : entries) {
      const wire::Ipv6Range range = range_of(entry.prefix);
      asked.insert(asked.end(), {range.first, range.last});
      asked.push_back(
          address(range.last.high() + (range.last.low() == all_ones ? 1 : 0), range.last.low() + 1));
    }
    for (const wire::Ipv6Address& wanted : asked) {
      ASSERT_EQ(table.find(wanted), find_by_walking(entries, wanted)) << round;
    }
  }
}

}  // namespace
}  // namespace sixin4::engine
