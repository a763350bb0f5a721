// The link layers of capture files: finds the IP packet in a frame.
#pragma once

#include <cstdint>
#include <string>

#include "sixin4/wire/bytes.hpp"

namespace sixin4::dissect {

/// The result of removing link headers from a frame.
struct LinkPayload {
  enum class Kind : std::uint8_t {
    ip,
    other,     ///< not IP
    frame,     ///< an Ethernet frame; used inside link_layer.cpp, not returned by the functions below
    cut_short  ///< too few bytes of the frame were captured
  };
  Kind kind = Kind::other;
  wire::Bytes packet{};  ///< if `kind` is ip: from the IP header to the end of the frame, padding included
};

/// Link types are numbers of libpcap (DLT_…), not of capture files (LINKTYPE_…).
[[nodiscard]] bool knows_link_type(int link_type) noexcept;

/// Frames of this type have the header of a real link. False for bare IP packets, as a tunnel's interface has
/// them, and for a header that has only the IP version (BSD loopback).
[[nodiscard]] bool has_link_header(int link_type) noexcept;

/// Removes the headers before the IP packet: Ethernet with VLAN tags, MPLS and PPPoE; Linux cooked (versions
/// 1 and 2); PPP with and without HDLC framing; SLIP; netfilter log; BSD loopback; or none. `frame` holds the
/// captured bytes.
[[nodiscard]] LinkPayload strip_link_header(int link_type, wire::Bytes frame) noexcept;

/// The EtherType of an Ethernet frame inside GRE, VXLAN or Geneve (transparent Ethernet bridging).
inline constexpr std::uint16_t transparent_ethernet = 0x6558;

/// Like `strip_link_header` for bytes that follow the EtherType `type`.
[[nodiscard]] LinkPayload strip_ethertype(std::uint16_t type, wire::Bytes payload) noexcept;

/// Name, number and description for a message.
[[nodiscard]] std::string link_type_text(int link_type);

/// Converts the link type of a capture file (LINKTYPE_…) to the number of libpcap (DLT_…).
[[nodiscard]] int link_type_of_file(std::uint16_t link_type) noexcept;

}  // namespace sixin4::dissect
