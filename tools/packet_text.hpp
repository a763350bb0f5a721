// A packet as one line, in tcpdump's manner, with both addresses of every layer.
#pragma once

#include <string>

#include "sixin4/wire/bytes.hpp"

namespace sixin4 {

/// `packet` begins with an IPv4 or IPv6 header, or is what a capture has kept of such a packet.
[[nodiscard]] std::string describe_packet(wire::Bytes packet);

}  // namespace sixin4
