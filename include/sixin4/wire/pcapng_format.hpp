// Constants of the pcapng format (draft-ietf-opsawg-pcapng), for writer and parser.
#pragma once

#include <cstddef>
#include <cstdint>

namespace sixin4::wire::pcapng {

namespace block {
inline constexpr std::uint32_t section_header = 0x0a0d0d0a;  // the same in both byte orders
inline constexpr std::uint32_t interface_description = 1;
inline constexpr std::uint32_t packet = 2;  // obsolete
inline constexpr std::uint32_t simple_packet = 3;
inline constexpr std::uint32_t interface_statistics = 5;
inline constexpr std::uint32_t enhanced_packet = 6;
}  // namespace block

namespace option {
inline constexpr std::uint16_t end = 0;
inline constexpr std::uint16_t comment = 1;
inline constexpr std::uint16_t section_system = 3;
inline constexpr std::uint16_t section_application = 4;
inline constexpr std::uint16_t interface_name = 2;
inline constexpr std::uint16_t interface_time_resolution = 9;
inline constexpr std::uint16_t interface_filter = 11;
inline constexpr std::uint16_t interface_time_offset = 14;
inline constexpr std::uint16_t packet_flags = 2;
inline constexpr std::uint16_t packet_id = 5;
inline constexpr std::uint16_t statistics_start = 2;
inline constexpr std::uint16_t statistics_end = 3;
inline constexpr std::uint16_t statistics_received = 4;
inline constexpr std::uint16_t statistics_dropped = 5;
inline constexpr std::uint16_t statistics_delivered = 8;
}  // namespace option

inline constexpr std::uint32_t byte_order_magic = 0x1a2b3c4d;
inline constexpr std::size_t alignment = 4;  // of blocks, packets and options

}  // namespace sixin4::wire::pcapng
