// Writes blocks of a pcapng file (draft-ietf-opsawg-pcapng).
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "sixin4/wire/bytes.hpp"

namespace sixin4::wire::pcapng {

/// Blocks are appended to the end, in the byte order of the machine, which the section header states.
using Buffer = std::vector<std::uint8_t>;

/// Packets that begin with an IPv4 or IPv6 header.
inline constexpr std::uint16_t link_type_raw = 101;

/// A file begins with a section. The interfaces of a section are numbered from 0 in the order of
/// `append_interface`.
void append_section(Buffer& to, std::string_view application, std::string_view operating_system);

struct Interface {
  std::string_view name;
  std::string_view filter{};      ///< in the syntax of pcap-filter(7); empty: none
  std::uint32_t snap_length = 0;  ///< limit of the bytes kept of a packet; 0: none
};
/// Appends an interface of link type RAW with time stamps in nanoseconds.
void append_interface(Buffer& to, const Interface& interface);

enum class Direction : std::uint8_t { unknown = 0, in = 1, out = 2 };

struct Packet {
  std::uint32_t interface = 0;
  std::uint64_t time_ns = 0;  ///< since 1970
  Direction direction = Direction::unknown;
  std::optional<std::uint64_t> id{};  ///< the same in all forms of a packet
  Bytes bytes{};                      ///< the bytes kept
  std::uint32_t length = 0;           ///< of the whole packet
  std::string_view comment{};         ///< empty: none
};
void append_packet(Buffer& to, const Packet& packet);

struct Statistics {
  std::uint32_t interface = 0;
  std::uint64_t start_ns = 0;   ///< of the capture
  std::uint64_t end_ns = 0;     ///< of the capture
  std::uint64_t received = 0;   ///< packets that passed the capture
  std::uint64_t dropped = 0;    ///< of these, packets that were lost
  std::uint64_t delivered = 0;  ///< of these, packets that were written
};
void append_statistics(Buffer& to, const Statistics& statistics);

}  // namespace sixin4::wire::pcapng
