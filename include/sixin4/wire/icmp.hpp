// ICMP messages (RFC 792): the types that the tunnel distinguishes.
#pragma once

#include <cstddef>
#include <cstdint>

namespace sixin4::wire::icmp {

inline constexpr std::uint8_t protocol = 1;
inline constexpr std::size_t header_size = 8;
inline constexpr std::uint8_t type_destination_unreachable = 3;
inline constexpr std::uint8_t code_fragmentation_needed = 4;
inline constexpr std::uint8_t type_time_exceeded = 11;
inline constexpr std::uint8_t type_parameter_problem = 12;

}  // namespace sixin4::wire::icmp
