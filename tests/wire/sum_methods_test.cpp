// Every checksum method of this processor, compared with a sum word by word.
#include "sixin4/wire/sum_methods.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace sixin4::wire {
namespace {

using Octets = std::vector<std::uint8_t>;

/// As in RFC 1071 §1.
std::uint16_t reference(Bytes bytes) {
  std::uint32_t sum = 0;
  for (std::size_t at = 0; at < bytes.size(); at += 2) {
    sum += bytes[at] * 256U + (at + 1 < bytes.size() ? bytes[at + 1] : 0U);
    if (sum > 0xffff) sum -= 0xffff;  // end-around carry
  }
  return static_cast<std::uint16_t>(sum);
}

void expect_right(const SumMethod& method, Bytes bytes) {
  ASSERT_EQ(method.sum(bytes).folded(), reference(bytes)) << bytes.size() << " bytes";
}

class SumMethods : public testing::TestWithParam<SumMethod> {};

TEST_P(SumMethods, EveryShortLengthAtEveryAlignment) {
  std::mt19937 random{1};
  for (std::size_t start = 0; start < 64; ++start) {
    for (std::size_t length = 0; length < 300; ++length) {
      const auto octets =
          std::make_unique<std::uint8_t[]>(start + length);  // on the heap, where a read past the end is seen
      for (std::size_t at = 0; at < start + length; ++at) octets[at] = static_cast<std::uint8_t>(random());
      expect_right(GetParam(), {octets.get() + start, length});
    }
  }
}

TEST_P(SumMethods, RandomRanges) {
  std::mt19937 random{2};
  for (int count = 0; count < 300; ++count) {
    const std::size_t start = random() % 64;
    Octets octets(start + random() % 70001);
    for (auto& octet : octets) octet = static_cast<std::uint8_t>(random());
    expect_right(GetParam(), Bytes{octets}.subspan(start));
  }
}

// The largest and smallest sums, and the extreme signed words.
TEST_P(SumMethods, ExtremeWordsInTheLongestRange) {
  constexpr std::size_t longest = SumMethod::longest_range;
  for (const auto& [even, odd] : {std::pair{0xff, 0xff},
                                  {0, 0},
                                  {0x80, 0},
                                  {0, 0x80},
                                  {0x7f, 0xff},
                                  {0xff, 0x7f},
                                  {0xff, 0},
                                  {0, 0xff}}) {
    Octets octets(longest);
    for (std::size_t at = 0; at < longest; ++at) octets[at] = static_cast<std::uint8_t>(at % 2 ? odd : even);
    for (const std::size_t length : {longest, longest - 1, longest - 33, std::size_t{65535}}) {
      expect_right(GetParam(), Bytes{octets}.first(length));
    }
  }
}

INSTANTIATE_TEST_SUITE_P(OfThisProcessor, SumMethods,
                         testing::ValuesIn(sum_methods().begin(), sum_methods().end()),
                         [](const auto& each) { return std::string{each.param.name}; });

TEST(SumMethods, ThePortableOneIsAlwaysThere) {
  ASSERT_FALSE(sum_methods().empty());
  EXPECT_EQ(sum_methods().back().name, "portable");
  EXPECT_EQ(sum_methods().back().sum, &portable_sum);
}

TEST(SumMethods, TheVectorUnitsOfThisProcessorAreUsed) {
#if defined(__x86_64__)
  EXPECT_EQ(sum_methods().front().name, __builtin_cpu_supports("avx2") != 0 ? "avx2" : "sse2");
#elif defined(__aarch64__)
  EXPECT_EQ(sum_methods().front().name, "neon");
#endif
}

TEST(SumMethods, LongerRangesAreSummedInParts) {
  std::mt19937 random{3};
  Octets octets(3 * SumMethod::longest_range + 4321);
  for (auto& octet : octets) octet = static_cast<std::uint8_t>(random());
  for (const std::size_t length : {octets.size(), SumMethod::longest_range, SumMethod::longest_range + 1,
                                   2 * SumMethod::longest_range}) {
    const Bytes bytes = Bytes{octets}.first(length);
    EXPECT_EQ(sum_of(bytes).folded(), reference(bytes)) << length;
  }
}

}  // namespace
}  // namespace sixin4::wire
