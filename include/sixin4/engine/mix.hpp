// Mixes the bits of a number, for hash tables and random choices.
#pragma once

#include <cstdint>

namespace sixin4::engine {

/// The finalizer of MurmurHash3 (64 bits): every bit of the result depends on every bit of the number.
[[nodiscard]] constexpr std::uint64_t mixed(std::uint64_t number) noexcept {
  number ^= number >> 33U;
  number *= 0xff51afd7ed558ccdU;
  number ^= number >> 33U;
  number *= 0xc4ceb9fe1a85ec53U;
  number ^= number >> 33U;
  return number;
}

}  // namespace sixin4::engine
