// Quantities as people read them.
#pragma once

#include <cstdint>
#include <string>

namespace sixin4::cli {

/// `12.8 kB`: a thousand is the next unit.
[[nodiscard]] std::string bytes_for_people(double bytes);
/// `9.8 Mbit/s`.
[[nodiscard]] std::string bit_rate_for_people(double bits_per_second);
/// `12.5 s`, `1 h 2 min`.
[[nodiscard]] std::string seconds_for_people(double seconds);
/// With that many digits behind the point.
[[nodiscard]] std::string number_for_people(double number, int digits);

}  // namespace sixin4::cli
