// Names of IPv6 upper-layer protocols, as in source rules and in output.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace sixin4::wire {

/// `tcp`, `udp` or `icmpv6`, else the decimal number.
[[nodiscard]] std::string protocol_name(std::uint8_t protocol);

/// The number of `tcp`, `udp` or `icmpv6`; nullopt for every other text, numbers included.
[[nodiscard]] std::optional<std::uint8_t> protocol_number(std::string_view name);

}  // namespace sixin4::wire
