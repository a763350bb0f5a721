// Source rules as they are written: pools, rules, and the tables of destinations that rules name.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "sixin4/wire/address.hpp"

namespace sixin4::config {

/// An address, a range or a prefix of a pool.
struct PoolItem {
  wire::Ipv6Range range;
  /// It was written as a prefix of that length. Of one shorter than 127 bits the first address is left out:
  /// every router of the link has it (RFC 4291 §2.6.1).
  std::optional<std::uint8_t> prefix_length = std::nullopt;
  auto operator<=>(const PoolItem&) const = default;
};

struct Pool {
  std::string name;
  std::vector<PoolItem> items;  ///< one or more
  auto operator<=>(const Pool&) const = default;
};

/// What becomes of a flow's source.
struct SourceTarget {
  enum class Action : std::uint8_t { keep, use, reject };
  Action action = Action::keep;
  std::string pool;  ///< to use, by name; empty: `address`
  wire::Ipv6Address address{};
  auto operator<=>(const SourceTarget&) const = default;
};

/// Which address of a pool is taken, see engine::PoolMode.
enum class PoolMode : std::uint8_t { first, random, hash, every };

struct PortRange {
  std::uint16_t first = 0;
  std::uint16_t last = 0;
  auto operator<=>(const PortRange&) const = default;
};

/// What is absent matches everything.
struct SourceRule {
  std::optional<wire::Ipv6Prefix> from = std::nullopt;
  std::optional<wire::Ipv6Prefix> to = std::nullopt;
  std::string table;  ///< path of the file that lists the destinations; empty: none does
  std::optional<std::uint8_t> protocol = std::nullopt;
  std::vector<PortRange> ports;  ///< of the destination
  SourceTarget target;
  std::optional<PoolMode> mode = std::nullopt;  ///< nothing: none was named, which means `hash`
  std::chrono::seconds period{0};               ///< of `every`
  auto operator<=>(const SourceRule&) const = default;
};

struct SourceTableLine {
  wire::Ipv6Prefix prefix;
  std::optional<SourceTarget> target;  ///< nothing: the rule's
  int number = 0;                      ///< of the line in its file
};
using SourceTable = std::vector<SourceTableLine>;

/// By the path that the rules name.
using SourceTables = std::map<std::string, SourceTable, std::less<>>;

/// As the configuration has them.
[[nodiscard]] std::string to_string(const Pool& pool);
[[nodiscard]] std::string to_string(const SourceRule& rule);

}  // namespace sixin4::config
