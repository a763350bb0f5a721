// Finds the longest prefix that an address lies in, among any number of them.
#pragma once

#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "sixin4/wire/address.hpp"

namespace sixin4::engine {

/// Immutable. Prefixes contain each other or have nothing in common, so that they cut the address space into
/// stretches in each of which one prefix is the longest: a lookup is a binary search for a stretch, first for
/// its block.
class PrefixTable {
 public:
  using Value = std::uint32_t;
  static constexpr Value absent = ~Value{0};
  struct Entry {
    wire::Ipv6Prefix prefix;
    Value value = 0;  ///< anything but `absent`
  };

  PrefixTable() = default;
  /// Of entries with the same prefix the last one counts.
  explicit PrefixTable(std::vector<Entry> entries);

  /// The value of the longest prefix that contains `address`; `absent` where none does.
  [[nodiscard]] Value find(const wire::Ipv6Address& address) const noexcept;

 private:
  struct Start {
    std::uint64_t high = 0;
    std::uint64_t low = 0;
  };
  static constexpr std::size_t block = 32;

  /// The index of the last start that is not behind `address`; 0 where all are.
  [[nodiscard]] static std::size_t last_not_behind(std::span<const Start> starts,
                                                   const Start& address) noexcept;

  std::vector<Start> blocks_;  ///< every `block`th start: these stay in a near cache
  std::vector<Start> starts_;  ///< of the stretches, ascending
  std::vector<Value> values_;  ///< of the stretch that begins at the start of the same index
};

}  // namespace sixin4::engine
