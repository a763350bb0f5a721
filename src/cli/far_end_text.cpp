#include "far_end_text.hpp"

#include <optional>

#include "units.hpp"

namespace sixin4::cli {

std::string far_end_text(const nlohmann::ordered_json& far_end) {
  const auto number = [&](const char* name) {
    const auto& value = far_end.at(name);
    return value.is_null() ? std::nullopt : std::optional{value.get<double>()};
  };
  const auto heard = number("last_heard_s");
  std::string text =
      heard ? "far end heard " + seconds_for_people(*heard) + " ago" : std::string{"far end not heard yet"};
  if (const auto rtt = number("rtt_ms")) text += ", rtt " + number_for_people(*rtt, 1) + " ms";
  if (const auto loss = number("loss")) text += ", loss " + number_for_people(100 * *loss, 1) + " %";
  return text;
}

}  // namespace sixin4::cli
