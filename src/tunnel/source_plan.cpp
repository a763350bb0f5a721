#include "source_plan.hpp"

#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace sixin4::tunnel {

namespace {

static_assert(config::max_source_rules <= engine::SourceRules::max_rules);

/// Assigns indices to the pools: first the named pools, then one pool for each single address of a rule.
class Pools {
 public:
  explicit Pools(const std::vector<config::Pool>& named) {
    for (const config::Pool& pool : named) {
      std::vector<wire::Ipv6Range> ranges;
      for (const config::PoolItem& item : pool.items) ranges.push_back(item.range);
      by_name_[pool.name] = add(std::move(ranges));
    }
  }

  [[nodiscard]] engine::SourceTarget target(const config::SourceTargetText& written) {
    if (written.action != engine::SourceAction::use) return {.action = written.action};
    if (!written.pool.empty()) {
      return {.action = engine::SourceAction::use, .pool = by_name_.at(written.pool)};
    }
    const auto [entry, is_new] = by_address_.try_emplace(written.address, 0);
    if (is_new) entry->second = add({{written.address, written.address}});
    return {.action = engine::SourceAction::use, .pool = entry->second};
  }

  [[nodiscard]] std::vector<engine::AddressPool> take() { return std::move(pools_); }

 private:
  [[nodiscard]] std::uint32_t add(std::vector<wire::Ipv6Range> ranges) {
    pools_.emplace_back(std::move(ranges));
    return static_cast<std::uint32_t>(pools_.size() - 1);
  }

  std::vector<engine::AddressPool> pools_;
  std::map<std::string, std::uint32_t> by_name_;
  std::map<wire::Ipv6Address, std::uint32_t> by_address_;
};

}  // namespace

std::shared_ptr<const engine::SourceRules> source_rules_of(const config::Configuration& configuration) {
  if (configuration.source_rules.empty()) return nullptr;
  Pools pools{configuration.pools};
  std::map<std::string, std::uint32_t> table_indices;
  std::vector<engine::SourceTable> tables;
  for (const auto& [path, lines] : configuration.source_tables) {
    table_indices[path] = static_cast<std::uint32_t>(tables.size());
    engine::SourceTable& table = tables.emplace_back();
    for (const config::SourceTableLineText& line : lines) {
      table.lines.push_back(
          {.prefix = line.prefix,
           .target = line.target ? std::optional{pools.target(*line.target)} : std::nullopt});
    }
  }
  std::vector<engine::SourceRule> rules;
  for (const config::SourceRuleText& written : configuration.source_rules) {
    engine::SourceRule& rule = rules.emplace_back();
    rule.from = written.from;
    rule.to = written.to;
    if (!written.table.empty()) rule.table = table_indices.at(written.table);
    rule.protocol = written.protocol;
    rule.ports = written.ports;
    rule.target = pools.target(written.target);
    rule.mode = written.mode.value_or(engine::PoolMode::hash);
    rule.period = std::max(written.period, std::chrono::seconds{1});
  }
  return std::make_shared<const engine::SourceRules>(std::move(rules), pools.take(), tables);
}

}  // namespace sixin4::tunnel
