#include "sixin4/wire/protocol_text.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace sixin4::wire {

namespace {

constexpr std::array<std::pair<std::string_view, std::uint8_t>, 3> protocol_names{
    {{"tcp", 6}, {"udp", 17}, {"icmpv6", 58}}};

}  // namespace

std::string protocol_name(std::uint8_t protocol) {
  const auto* const entry =
      std::ranges::find(protocol_names, protocol, [](const auto& pair) { return pair.second; });
  return entry == protocol_names.end() ? std::to_string(protocol) : std::string{entry->first};
}

std::optional<std::uint8_t> protocol_number(std::string_view name) {
  const auto* const entry =
      std::ranges::find(protocol_names, name, [](const auto& pair) { return pair.first; });
  if (entry == protocol_names.end()) return std::nullopt;
  return entry->second;
}

}  // namespace sixin4::wire
