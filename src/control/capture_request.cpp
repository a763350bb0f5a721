#include "sixin4/control/capture_request.hpp"

#include <limits>

#include <nlohmann/json.hpp>

#include "sixin4/base/json_text.hpp"
#include "sixin4/base/number.hpp"
#include "sixin4/control/read_answer.hpp"

namespace sixin4::control {

namespace {

constexpr std::string_view capture_prefix = "capture ";

}  // namespace

std::string capture_request(std::uint32_t snap_length) {
  return std::string{capture_prefix} + std::to_string(snap_length);
}

std::optional<std::uint32_t> snap_length_of(std::string_view request) {
  if (!request.starts_with(capture_prefix)) return std::nullopt;
  constexpr std::uint32_t most = std::numeric_limits<std::uint32_t>::max();
  return base::number_in<std::uint32_t>(request.substr(capture_prefix.size()), 0, most);
}

std::string capture_answer(const std::string& interface) {
  return base::to_json_text({{"interface", interface}});
}

std::string interface_of(const std::string& answer) {
  return read_answer([&] { return base::parse_json_text(answer).at("interface").get<std::string>(); });
}

}  // namespace sixin4::control
