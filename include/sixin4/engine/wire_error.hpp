// ICMP errors from the IPv4 side, and what they mean inside the tunnel (RFC 4213 §3.4).
#pragma once

#include <cstdint>
#include <optional>

#include "sixin4/engine/packet.hpp"
#include "sixin4/engine/parameters.hpp"
#include "sixin4/wire/bytes.hpp"
#include "sixin4/wire/icmpv6.hpp"

namespace sixin4::engine {

/// An ICMPv6 error for the sender of the inner packet.
struct Answer {
  wire::icmpv6::Error error;
  wire::Bytes offending;  ///< as much of the inner packet as was quoted
};

struct Translated {
  bool ours = false;                      ///< the packet that is quoted is one of this tunnel's
  std::optional<std::uint16_t> path_mtu;  ///< that a router has told of, 68 or more
  std::optional<Answer> answer;           ///< where enough is quoted to name a sender
};

/// An error counts only where it is about this tunnel's own packets: nothing follows from any other.
[[nodiscard]] Translated translate(const TunnelParameters& parameters, const WireError& error) noexcept;

}  // namespace sixin4::engine
