// Chooses the source address of a new flow: pools of addresses, and the rules that select from them.
#pragma once

#include <chrono>
#include <compare>
#include <cstdint>
#include <optional>
#include <vector>

#include "sixin4/engine/flow_key.hpp"
#include "sixin4/engine/prefix_table.hpp"
#include "sixin4/engine/source_rule_types.hpp"
#include "sixin4/engine/time.hpp"
#include "sixin4/wire/address.hpp"

namespace sixin4::engine {

/// A sequence of addresses, numbered from 0.
class AddressPool {
 public:
  AddressPool() = default;
  /// `ranges` has at least one element.
  explicit AddressPool(std::vector<wire::Ipv6Range> ranges);

  /// The number of addresses, at most 2^64 - 1; any further ones are not used.
  [[nodiscard]] std::uint64_t size() const noexcept { return size_; }
  /// Requires `index` below `size()`.
  [[nodiscard]] wire::Ipv6Address at(std::uint64_t index) const noexcept;

 private:
  std::vector<wire::Ipv6Range> ranges_;
  std::uint64_t size_ = 0;
};

/// The action of a rule, or of a line of its table.
struct SourceTarget {
  SourceAction action = SourceAction::keep;
  std::uint32_t pool = 0;  ///< index of the pool to `use`
  auto operator<=>(const SourceTarget&) const = default;
};

/// Empty members match everything.
struct SourceRule {
  std::optional<wire::Ipv6Prefix> from{};  ///< matches the source that the host chose
  std::optional<wire::Ipv6Prefix> to{};
  std::optional<std::uint32_t> table{};  ///< index of a table of destinations
  std::optional<std::uint8_t> protocol{};
  std::vector<PortRange> ports{};  ///< destination ports; empty: any, and protocols without ports
  SourceTarget target{};
  PoolMode mode = PoolMode::hash;
  std::chrono::seconds period{1};  ///< for mode `every`; at least 1 s
};

/// The destinations of a rule. A line without a target takes that of the rule.
struct SourceTable {
  struct Line {
    wire::Ipv6Prefix prefix;
    std::optional<SourceTarget> target;
  };
  std::vector<Line> lines;
};

/// The result of the first rule that matches a flow.
struct SourceDecision {
  std::uint16_t rule = 0;  ///< number of the rule from 1; 0: none matches, and the source is kept
  SourceAction action = SourceAction::keep;
  const AddressPool* pool = nullptr;  ///< the pool to `use`, owned by the rules
  std::uint32_t pool_index = 0;       ///< index of that pool
  std::uint64_t preferred = 0;        ///< index of the preferred address in the pool
};

/// Immutable, for any number of threads.
class SourceRules {
 public:
  /// Limit that the caller of the constructor must keep, because a decision has 16 bits for the rule.
  static constexpr std::size_t max_rules = 0xffff;

  SourceRules() = default;
  SourceRules(std::vector<SourceRule> rules, std::vector<AddressPool> pools,
              const std::vector<SourceTable>& tables);

  [[nodiscard]] bool empty() const noexcept { return rules_.empty(); }
  /// `chance` is a random number for this flow.
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
