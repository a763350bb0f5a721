#include "units.hpp"

#include <algorithm>
#include <array>
#include <iomanip>
#include <span>
#include <sstream>

namespace sixin4::cli {

namespace {

std::string in_thousands(double quantity, std::span<const char* const> units) {
  std::size_t unit = 0;
  // A quantity that would be rounded to 1000 is written as 1 of the next unit.
  for (; quantity >= (unit == 0 ? 999.5 : 999.95) && unit + 1 < units.size(); ++unit) quantity /= 1000;
  return number_for_people(quantity, unit == 0 ? 0 : 1) + ' ' + units[unit];
}

}  // namespace

std::string number_for_people(double number, int digits) {
  std::ostringstream text;
  text << std::fixed << std::setprecision(digits) << number;
  return text.str();
}

std::string bytes_for_people(double bytes) {
  constexpr std::array<const char*, 5> units{"B", "kB", "MB", "GB", "TB"};
  return in_thousands(bytes, units);
}

std::string bit_rate_for_people(double bits_per_second) {
  constexpr std::array<const char*, 4> units{"bit/s", "kbit/s", "Mbit/s", "Gbit/s"};
  return in_thousands(bits_per_second, units);
}

std::string seconds_for_people(double seconds) {
  if (seconds < 59.95) return number_for_people(seconds, 1) + " s";
  std::ostringstream text;
  constexpr double most = 1e15;  // another program may answer with any number
  const auto whole = static_cast<std::uint64_t>(std::clamp(seconds, 60.0, most));
  if (whole >= 86400) text << whole / 86400 << " d ";
  text << whole / 3600 % 24 << " h " << whole / 60 % 60 << " min";
  return text.str();
}

}  // namespace sixin4::cli
