// How fast the counters of an endpoint grow.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace sixin4::cli {

struct DirectionRates {
  double packets = 0;                          ///< inner packets a second
  double bits = 0;                             ///< of those, a second
  std::map<std::string, std::uint64_t> drops;  ///< in that time, by the reason's name; those that happened
};

struct Rates {
  DirectionRates out;
  DirectionRates in;
};

/// From two statuses (what `show` answers) and the time between them. Nothing where they do not belong to one
/// run of the endpoint, which counts from 0 when it is started anew, or where no time has passed.
[[nodiscard]] std::optional<Rates> rates_of(std::string_view former, std::string_view current,
                                            std::chrono::duration<double> between);

}  // namespace sixin4::cli
