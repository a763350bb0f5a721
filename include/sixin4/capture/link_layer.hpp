// The link layers of capture files: where in a frame the IP packet stands.
#pragma once

#include <cstdint>

#include "sixin4/wire/bytes.hpp"

namespace sixin4::capture {

struct LinkPayload {
  enum class Kind : std::uint8_t {
    ip,
    other,     ///< not IP
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

/// Takes off the headers in front of IP: Ethernet with any VLAN tags, PPPoE; Linux cooked, both versions;
/// PPP, with and without HDLC framing; loopback; or none. `frame` is what the capture has of it.
[[nodiscard]] LinkPayload strip_link_header(int link_type, wire::Bytes frame) noexcept;

}  // namespace sixin4::capture
