// Which source address a new flow is to leave with: pools of addresses, and the rules that choose from them.
#pragma once

#include <chrono>
#include <compare>
#include <cstdint>
#include <optional>
#include <vector>

#include "sixin4/engine/flow_key.hpp"
#include "sixin4/engine/prefix_table.hpp"
#include "sixin4/engine/time.hpp"
#include "sixin4/wire/address.hpp"

namespace sixin4::engine {

/// Addresses in an order, numbered from 0.
class AddressPool {
 public:
  AddressPool() = default;
  /// At least one range.
  explicit AddressPool(std::vector<wire::Ipv6Range> ranges);

  /// Of addresses; 2^64 - 1 where there are more, and the others are not used then.
  [[nodiscard]] std::uint64_t size() const noexcept { return size_; }
  /// `index` is below `size()`.
  [[nodiscard]] wire::Ipv6Address at(std::uint64_t index) const noexcept;

 private:
  std::vector<wire::Ipv6Range> ranges_;
  std::uint64_t size_ = 0;
};

/// Which address of a pool is a flow's.
enum class PoolMode : std::uint8_t {
  first,
  random,
  hash,  ///< the same pair of hosts always gets the same
  every  ///< one after the other, each for a period
};

enum class SourceAction : std::uint8_t { keep, use, reject };

/// What a rule, or a line of its table, does with a flow.
struct SourceTarget {
  SourceAction action = SourceAction::keep;
  std::uint32_t pool = 0;  ///< to `use`, an index
  auto operator<=>(const SourceTarget&) const = default;
};

struct PortRange {
  std::uint16_t first = 0;
  std::uint16_t last = 0;
};

/// What is absent matches everything.
struct SourceRule {
  std::optional<wire::Ipv6Prefix> from{};  ///< of the source that the flow has without rules
  std::optional<wire::Ipv6Prefix> to{};
  std::optional<std::uint32_t> table{};  ///< of destinations, an index
  std::optional<std::uint8_t> protocol{};
  std::vector<PortRange> ports{};  ///< of the destination; empty: any, also of protocols without ports
  SourceTarget target{};
  PoolMode mode = PoolMode::hash;
  std::chrono::seconds period{1};  ///< of mode `every`, at least 1 s
};

/// Destinations of a rule. A prefix without a target takes the rule's.
struct SourceTable {
  struct Line {
    wire::Ipv6Prefix prefix;
    std::optional<SourceTarget> target;
  };
  std::vector<Line> lines;
};

/// What the first rule that matches says of a flow.
struct SourceDecision {
  std::uint16_t rule = 0;  ///< its number, counted from 1; 0: none matches, and the source is kept
  SourceAction action = SourceAction::keep;
  const AddressPool* pool = nullptr;  ///< to `use`; of the rules that were asked
  std::uint32_t pool_index = 0;       ///< of that pool
  std::uint64_t preferred = 0;        ///< index in the pool
};

/// Immutable, so that any number of threads may ask.
class SourceRules {
 public:
  static constexpr std::size_t max_rules = 0xffff;  ///< that the constructor takes

  SourceRules() = default;
  SourceRules(std::vector<SourceRule> rules, std::vector<AddressPool> pools,
              const std::vector<SourceTable>& tables);

  [[nodiscard]] bool empty() const noexcept { return rules_.empty(); }
  /// `chance` is a number drawn for this flow.
  [[nodiscard]] SourceDecision decide(const FlowKey& flow, Time now, std::uint64_t chance) const noexcept;

 private:
  struct Table {
    PrefixTable prefixes;  ///< values are indices of `targets`
    std::vector<std::optional<SourceTarget>> targets;
  };

  [[nodiscard]] static std::uint64_t preferred_index(const SourceRule& rule, const AddressPool& pool,
                                                     const FlowKey& flow, Time now,
                                                     std::uint64_t chance) noexcept;

  std::vector<SourceRule> rules_;
  std::vector<AddressPool> pools_;
  std::vector<Table> tables_;
};

}  // namespace sixin4::engine
