// Longest-prefix match over any number of IPv6 prefixes.
#pragma once

#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "sixin4/wire/address.hpp"

namespace sixin4::engine {

/// Immutable. Two prefixes are nested or disjoint, so they divide the address space into ranges with one
/// longest prefix each. A look-up is a binary search for the block, then for the range in it.
class PrefixTable {
 public:
  using Value = std::uint32_t;
  static constexpr Value absent = ~Value{0};
  struct Entry {
    wire::Ipv6Prefix prefix;
    Value value = 0;  ///< not `absent`
  };

  PrefixTable() = default;
  /// The last of several entries with the same prefix counts.
  explicit PrefixTable(std::vector<Entry> entries);

  /// The value of the longest prefix that contains `address`, or `absent`.
  [[nodiscard]] Value find(const wire::Ipv6Address& address) const noexcept;

 private:
  struct Start {
    std::uint64_t high = 0;
    std::uint64_t low = 0;
  };
  static constexpr std::size_t block = 32;  ///< starts in a block

  /// The index of the last start that is at most `address`; 0 if none is.
  [[nodiscard]] static std::size_t last_up_to(std::span<const Start> starts, const Start& address) noexcept;

  std::vector<Start> blocks_;  ///< the first start of each block, few enough to stay in a near cache
  std::vector<Start> starts_;  ///< of the ranges, ascending
  std::vector<Value> values_;  ///< by index of `starts_`
};

}  // namespace sixin4::engine
