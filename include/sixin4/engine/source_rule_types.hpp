// The plain types of source rules that the configuration and the engine share.
#pragma once

#include <compare>
#include <cstdint>

namespace sixin4::engine {

/// How a rule selects an address of its pool.
enum class PoolMode : std::uint8_t {
  first,
  random,
  hash,  ///< by a hash of the two hosts, so that a pair always gets the same address
  every  ///< one after the other, each for a period of time
};

enum class SourceAction : std::uint8_t { keep, use, reject };

struct PortRange {
  std::uint16_t first = 0;
  std::uint16_t last = 0;
  auto operator<=>(const PortRange&) const = default;
};

}  // namespace sixin4::engine
