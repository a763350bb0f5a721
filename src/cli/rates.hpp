// Rates of the counters of an endpoint.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace sixin4::cli {

struct DirectionRates {
  double packets = 0;                          ///< inner packets per second
  double bits = 0;                             ///< bits of inner packets per second
  std::map<std::string, std::uint64_t> drops;  ///< new drops by reason; reasons without a new drop are absent
};

struct Rates {
  DirectionRates out;
  DirectionRates in;
};

/// Rates from two answers to `show` and the time between them. Nothing: no time has passed, or the answers
/// belong to different runs of the endpoint. Counters begin with 0 in each run.
[[nodiscard]] std::optional<Rates> rates_of(std::string_view previous, std::string_view current,
                                            std::chrono::duration<double> between);

}  // namespace sixin4::cli
