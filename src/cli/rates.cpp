#include "rates.hpp"

#include <nlohmann/json.hpp>

#include "sixin4/base/json_text.hpp"

namespace sixin4::cli {

namespace {

using json = nlohmann::ordered_json;
using std::chrono::duration;

/// Throws json::exception if the value is not a count, for example a negative number.
std::uint64_t count_of(const json& counters, const std::string& name) {
  const json count = counters.value(name, json(std::uint64_t{0}));
  return count.get_ref<const json::number_unsigned_t&>();
}

/// The uptime must be at least the time between the looks, else the endpoint was started after the first one.
bool is_one_run(const json& previous, const json& current, duration<double> between) {
  const duration<double> uptime{current.at("uptime_s").get<double>()};
  return uptime >= between && uptime.count() >= previous.at("uptime_s").get<double>();
}

/// Nothing: a counter has become less.
std::optional<DirectionRates> direction_rates(const json& previous, const json& current,
                                              const char* direction, duration<double> between) {
  DirectionRates rates;
  const auto increase_of = [](const json& before, const json& after,
                              const std::string& name) -> std::optional<std::uint64_t> {
    const std::uint64_t first = count_of(before, name);
    const std::uint64_t second = count_of(after, name);
    return second < first ? std::nullopt : std::optional{second - first};
  };
  const json& before = previous.at(direction);
  const json& after = current.at(direction);
  const auto packets = increase_of(before, after, "packets");
  const auto bytes = increase_of(before, after, "bytes");
  if (!packets || !bytes) return std::nullopt;
  constexpr double bits_of_a_byte = 8;
  rates.packets = static_cast<double>(*packets) / between.count();
  rates.bits = bits_of_a_byte * static_cast<double>(*bytes) / between.count();
  const json& drops_before = previous.at("drops").at(direction);
  const json& drops_after = current.at("drops").at(direction);
  for (const auto& [reason, count] : drops_after.items()) {
    const auto increase = increase_of(drops_before, drops_after, reason);
    if (!increase) return std::nullopt;
    if (*increase != 0) rates.drops.emplace(reason, *increase);
  }
  return rates;
}

}  // namespace

std::optional<Rates> rates_of(std::string_view previous, std::string_view current, duration<double> between) {
  if (between <= duration<double>{0}) return std::nullopt;
  const json before = base::parse_json_text(previous);
  const json after = base::parse_json_text(current);
  auto out = direction_rates(before, after, "out", between);
  auto in = direction_rates(before, after, "in", between);
  if (!is_one_run(before, after, between) || !out || !in) return std::nullopt;
  return Rates{.out = std::move(*out), .in = std::move(*in)};
}

}  // namespace sixin4::cli
