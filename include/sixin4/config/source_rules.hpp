// Source rules as the configuration has them: pools, rules, and the tables of destinations that rules name.
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
  /// Set if the item was written as a prefix. The range then leaves out the first address of a prefix shorter
  /// than 127 bits, because it is the Subnet-Router anycast address (RFC 4291 §2.6.1).
  std::optional<std::uint8_t> prefix_length = std::nullopt;
  auto operator<=>(const PoolItem&) const = default;
};

struct Pool {
  std::string name;
  std::vector<PoolItem> items;  ///< one or more
  auto operator<=>(const Pool&) const = default;
};

/// The source address that a flow gets.
struct SourceTarget {
  enum class Action : std::uint8_t { keep, use, reject };
  Action action = Action::keep;
  std::string pool;  ///< name of the pool for `use`; empty: `address` is used
  wire::Ipv6Address address{};
  auto operator<=>(const SourceTarget&) const = default;
};

/// How an address is chosen from a pool, see engine::PoolMode.
enum class PoolMode : std::uint8_t { first, random, hash, every };

struct PortRange {
  std::uint16_t first = 0;
  std::uint16_t last = 0;
  auto operator<=>(const PortRange&) const = default;
};

/// A condition that is absent matches every packet.
struct SourceRule {
  std::optional<wire::Ipv6Prefix> from = std::nullopt;
  std::optional<wire::Ipv6Prefix> to = std::nullopt;
  std::string table;  ///< path of the file that lists the destinations; empty: no such condition
  std::optional<std::uint8_t> protocol = std::nullopt;
  std::vector<PortRange> ports;  ///< of the destination
  SourceTarget target;
  std::optional<PoolMode> mode = std::nullopt;  ///< nothing: not written, which means `hash`
  std::chrono::seconds period{0};               ///< seconds after `every`
  auto operator<=>(const SourceRule&) const = default;
};

struct SourceTableLine {
  wire::Ipv6Prefix prefix;
  std::optional<SourceTarget> target;  ///< nothing: the target of the rule
  int number = 0;                      ///< line number in the file
};
using SourceTable = std::vector<SourceTableLine>;

/// Tables by the path that the rules name.
using SourceTables = std::map<std::string, SourceTable, std::less<>>;

/// In the notation of the configuration.
[[nodiscard]] std::string to_string(const Pool& pool);
[[nodiscard]] std::string to_string(const SourceRule& rule);

}  // namespace sixin4::config
