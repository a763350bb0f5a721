#include "sixin4/testbed/pattern.hpp"

#include <algorithm>
#include <cstring>
#include <vector>

namespace sixin4::testbed {

namespace {

// A prime, so that no packet size divides it: a lost or repeated packet shifts the bytes after it to
// positions where they do not match.
constexpr std::size_t period = 131071;

std::vector<std::uint8_t> make_table() {
  std::vector<std::uint8_t> table(period + max_pattern_size);
  std::uint32_t state = 1;
  for (std::size_t at = 0; at < period; ++at) {
    state = state * 1664525U + 1013904223U;
    table[at] = static_cast<std::uint8_t>(state >> 24U);
  }
  for (std::size_t at = period; at < table.size(); ++at) table[at] = table[at - period];
  return table;
}

}  // namespace

std::span<const std::uint8_t> pattern(std::uint64_t position, std::size_t size) {
  static const std::vector<std::uint8_t> table = make_table();
  return std::span{table}.subspan(position % period, size);
}

bool matches_pattern(std::span<const std::uint8_t> bytes, std::uint64_t position) {
  return bytes.empty() ||
         std::memcmp(bytes.data(), pattern(position, bytes.size()).data(), bytes.size()) == 0;
}

bool samples_match_pattern(std::span<const std::uint8_t> bytes, std::uint64_t position) {
  constexpr std::size_t sample = 8;
  constexpr std::size_t distance = 1000;
  for (std::size_t at = (distance - position % distance) % distance; at < bytes.size(); at += distance) {
    const std::size_t size = std::min(sample, bytes.size() - at);
    if (!matches_pattern(bytes.subspan(at, size), position + at)) return false;
  }
  return true;
}

}  // namespace sixin4::testbed
