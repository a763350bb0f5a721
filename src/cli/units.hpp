// Quantities with units, for people.
#pragma once

#include <cstdint>
#include <string>

namespace sixin4::cli {

/// `12.8 kB`. Units are powers of 1000.
[[nodiscard]] std::string bytes_for_people(double bytes);
/// `9.8 Mbit/s`.
[[nodiscard]] std::string bit_rate_for_people(double bits_per_second);
/// `12.5 s`, `1 h 2 min`.
[[nodiscard]] std::string seconds_for_people(double seconds);
/// With `digits` decimals.
[[nodiscard]] std::string number_for_people(double number, int digits);

}  // namespace sixin4::cli
