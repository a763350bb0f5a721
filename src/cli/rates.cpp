#include "rates.hpp"

#include <nlohmann/json.hpp>

#include "sixin4/base/json_text.hpp"

namespace sixin4::cli {

namespace {

using json = nlohmann::ordered_json;
using std::chrono::duration;

/// Throws json::exception for what is no count, for example a negative number.
std::uint64_t count_of(const json& counters, const std::string& name) {
  const json count = counters.value(name, json(std::uint64_t{0}));
  return count.get_ref<const json::number_unsigned_t&>();
}

/// An endpoint that has run for less than the time between was not there at the former look.
bool is_one_run(const json& former, const json& current, duration<double> between) {
  const duration<double> uptime{current.at("uptime_s").get<double>()};
  return uptime >= between && uptime.count() >= former.at("uptime_s").get<double>();
}

/// Nothing where a counter has become less.
std::optional<DirectionRates> direction_rates(const json& former, const json& current, const char* direction,
                                              duration<double> between) {
  DirectionRates rates;
  const auto grown = [](const json& before, const json& after,
                        const std::string& name) -> std::optional<std::uint64_t> {
    const std::uint64_t less = count_of(before, name);
    const std::uint64_t more = count_of(after, name);
    return more < less ? std::nullopt : std::optional{more - less};
  };
  const json& before = former.at(direction);
  const json& after = current.at(direction);
  const auto packets = grown(before, after, "packets");
  const auto bytes = grown(before, after, "bytes");
  if (!packets || !bytes) return std::nullopt;
  constexpr double bits_of_a_byte = 8;
  rates.packets = static_cast<double>(*packets) / between.count();
  rates.bits = bits_of_a_byte * static_cast<double>(*bytes) / between.count();
  const json& drops_before = former.at("drops").at(direction);
  const json& drops_after = current.at("drops").at(direction);
  for (const auto& [reason, count] : drops_after.items()) {
    const auto more = grown(drops_before, drops_after, reason);
    if (!more) return std::nullopt;
    if (*more != 0) rates.drops.emplace(reason, *more);
  }
  return rates;
}

}  // namespace

std::optional<Rates> rates_of(std::string_view former, std::string_view current, duration<double> between) {
  if (between <= duration<double>{0}) return std::nullopt;
  const json before = base::parse_json_text(former);
  const json after = base::parse_json_text(current);
  auto out = direction_rates(before, after, "out", between);
  auto in = direction_rates(before, after, "in", between);
  if (!is_one_run(before, after, between) || !out || !in) return std::nullopt;
  return Rates{.out = std::move(*out), .in = std::move(*in)};
}

}  // namespace sixin4::cli
