// Source rules as the configuration has them: pools, rules, and the tables of destinations that rules name.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "sixin4/engine/source_rule_types.hpp"
#include "sixin4/wire/address.hpp"

namespace sixin4::config {

/// An address, a range or a prefix of a pool.
struct PoolItem {
  wire::Ipv6Range range;
  /// Set if the item was written as a prefix. If the prefix is shorter than 127 bits, the range begins after
  /// its first address, which is the Subnet-Router anycast address (RFC 4291 §2.6.1).
  std::optional<std::uint8_t> prefix_length = std::nullopt;
  auto operator<=>(const PoolItem&) const = default;
};

struct Pool {
  std::string name;
  std::vector<PoolItem> items;  ///< one or more
  auto operator<=>(const Pool&) const = default;
};

/// The source address that a flow gets.
struct SourceTargetText {
  engine::SourceAction action = engine::SourceAction::keep;
  std::string pool;  ///< name of the pool for `use`; empty: `address` is used
  wire::Ipv6Address address{};
  auto operator<=>(const SourceTargetText&) const = default;
};

/// A condition that is absent matches every packet.
struct SourceRuleText {
  std::optional<wire::Ipv6Prefix> from = std::nullopt;
  std::optional<wire::Ipv6Prefix> to = std::nullopt;
  std::string table;  ///< path of the file that lists the destinations; empty: no such condition
  std::optional<std::uint8_t> protocol = std::nullopt;
  std::vector<engine::PortRange> ports;  ///< of the destination
  SourceTargetText target;
  std::optional<engine::PoolMode> mode = std::nullopt;  ///< nothing: not written, which means `hash`
  std::chrono::seconds period{0};                       ///< of the mode `every`
  auto operator<=>(const SourceRuleText&) const = default;
};

struct SourceTableLineText {
  wire::Ipv6Prefix prefix;
  std::optional<SourceTargetText> target;  ///< nothing: the target of the rule
  int number = 0;                          ///< line number in the file
};
using SourceTableText = std::vector<SourceTableLineText>;

/// Tables by the path that the rules name.
using SourceTableTexts = std::map<std::string, SourceTableText, std::less<>>;

/// In the notation of the configuration.
[[nodiscard]] std::string to_string(const Pool& pool);
[[nodiscard]] std::string to_string(const SourceRuleText& rule);

}  // namespace sixin4::config
