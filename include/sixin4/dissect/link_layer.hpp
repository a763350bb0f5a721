// The link layers of capture files: where in a frame the IP packet stands.
#pragma once

#include <cstdint>
#include <string>

#include "sixin4/wire/bytes.hpp"

namespace sixin4::dissect {

struct LinkPayload {
  enum class Kind : std::uint8_t {
    ip,
    other,     ///< not IP
    frame,     ///< an Ethernet frame in the frame, which the functions below look into themselves
    cut_short  ///< the capture has not kept enough of the frame to tell
  };
  Kind kind = Kind::other;
  wire::Bytes packet{};  ///< where it is IP: from its header to the end of the frame, padding included
};

/// Link types are numbers as libpcap has them (DLT_…).
[[nodiscard]] bool knows_link_type(int link_type) noexcept;

/// Whether frames have a header of a link's own: bare IP packets have none, as a tunnel's interface hands
/// them over, and what stands for one on the systems that have no bare ones says nothing but the version.
[[nodiscard]] bool has_link_header(int link_type) noexcept;

/// Takes off the headers in front of IP: Ethernet with any VLAN tags, MPLS, PPPoE; Linux cooked, both
/// versions; PPP, with and without HDLC framing; SLIP; Linux' netfilter log; loopback; or none. `frame` is
/// what the capture has of it.
[[nodiscard]] LinkPayload strip_link_header(int link_type, wire::Bytes frame) noexcept;

/// The type of Ethernet's for a whole Ethernet frame (transparent Ethernet bridging).
inline constexpr std::uint16_t transparent_ethernet = 0x6558;

/// The same of what a type of Ethernet's has announced.
[[nodiscard]] LinkPayload strip_ethertype(std::uint16_t type, wire::Bytes announced) noexcept;

/// Its name, number and meaning, for people.
[[nodiscard]] std::string link_type_text(int link_type);

/// The number that libpcap has for the one of a capture file (LINKTYPE_…).
[[nodiscard]] int link_type_of_file(std::uint16_t link_type) noexcept;

}  // namespace sixin4::dissect
