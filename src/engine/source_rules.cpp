#include "sixin4/engine/source_rules.hpp"

#include <algorithm>
#include <limits>
#include <map>
#include <utility>

#include "sixin4/engine/mix.hpp"
#include "sixin4/wire/transport.hpp"

namespace sixin4::engine {

namespace {

/// The number of addresses; 0: the number does not fit 64 bits.
std::uint64_t size_of(const wire::Ipv6Range& range) noexcept {
  const std::uint64_t low = range.last.low() - range.first.low();
  const std::uint64_t high =
      range.last.high() - range.first.high() - (range.last.low() < range.first.low() ? 1 : 0);
  return high == 0 ? low + 1 : 0;
}

bool matches(const SourceRule& rule, const FlowKey& flow) noexcept {
  if (rule.from && !rule.from->contains(flow.local)) return false;
  if (rule.to && !rule.to->contains(flow.remote)) return false;
  if (rule.protocol && *rule.protocol != flow.protocol) return false;
  if (rule.ports.empty()) return true;
  return wire::has_ports(flow.protocol) && std::ranges::any_of(rule.ports, [&](const PortRange& range) {
           return range.first <= flow.remote_port && flow.remote_port <= range.last;
         });
}

}  // namespace

AddressPool::AddressPool(std::vector<wire::Ipv6Range> ranges) : ranges_(std::move(ranges)) {
  constexpr std::uint64_t most = std::numeric_limits<std::uint64_t>::max();
  for (const wire::Ipv6Range& range : ranges_) {
    const std::uint64_t size = size_of(range);
    size_ = size == 0 || size > most - size_ ? most : size_ + size;
  }
}

wire::Ipv6Address AddressPool::at(std::uint64_t index) const noexcept {
  const auto* range = ranges_.data();
  for (std::uint64_t size = size_of(*range); size != 0 && index >= size; size = size_of(*range)) {
    index -= size;
    ++range;
  }
  const std::uint64_t low = range->first.low() + index;
  return wire::Ipv6Address::of_words(range->first.high() + (low < index ? 1 : 0), low);
}

SourceRules::SourceRules(std::vector<SourceRule> rules, std::vector<AddressPool> pools,
                         const std::vector<SourceTable>& tables)
    : rules_(std::move(rules)), pools_(std::move(pools)) {
  for (const SourceTable& table : tables) {
    Table& made = tables_.emplace_back();
    std::vector<PrefixTable::Entry> entries;
    std::map<std::optional<SourceTarget>, PrefixTable::Value> indices;
    for (const SourceTable::Line& line : table.lines) {
      const auto next = static_cast<PrefixTable::Value>(made.targets.size());
      const auto [target, is_first] = indices.try_emplace(line.target, next);
      if (is_first) made.targets.push_back(line.target);
      entries.push_back({.prefix = line.prefix, .value = target->second});
    }
    made.prefixes = PrefixTable{std::move(entries)};
  }
}

SourceDecision SourceRules::decide(const FlowKey& flow, Time now, std::uint64_t chance) const noexcept {
  for (std::size_t index = 0; index < rules_.size(); ++index) {
    const SourceRule& rule = rules_[index];
    if (!matches(rule, flow)) continue;
    SourceTarget target = rule.target;
    if (rule.table) {
      const Table& table = tables_[*rule.table];
      const PrefixTable::Value found = table.prefixes.find(flow.remote);
      if (found == PrefixTable::absent) continue;
      target = table.targets[found].value_or(target);
    }
    SourceDecision decision{.rule = static_cast<std::uint16_t>(index + 1), .action = target.action};
    if (target.action == SourceAction::use) {
      decision.pool = &pools_[target.pool];
      decision.pool_index = target.pool;
      decision.preferred = preferred_index(rule, *decision.pool, flow, now, chance);
    }
    return decision;
  }
  return {};
}

std::uint64_t SourceRules::preferred_index(const SourceRule& rule, const AddressPool& pool,
                                           const FlowKey& flow, Time now, std::uint64_t chance) noexcept {
  switch (rule.mode) {
    case PoolMode::first:
      return 0;
    case PoolMode::random:
      return chance % pool.size();
    case PoolMode::hash: {
      // The hash has no seed, so that the choice is the same after a restart.
      std::uint64_t hash = 0;
      for (const std::uint64_t word :
           {flow.local.high(), flow.local.low(), flow.remote.high(), flow.remote.low()}) {
        hash = mixed(hash ^ word);
      }
      return hash % pool.size();
    }
    case PoolMode::every: {
      const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(now.time_since_epoch());
      return static_cast<std::uint64_t>(seconds / rule.period) % pool.size();
    }
  }
  return 0;
}

}  // namespace sixin4::engine
