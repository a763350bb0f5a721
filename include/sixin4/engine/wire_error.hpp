// Translates ICMP errors from the IPv4 side for the tunnel (RFC 4213 §3.4).
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
  wire::Bytes offending;  ///< the quoted part of the inner packet
};

struct Translated {
  bool ours = false;                      ///< the quoted packet is one of this tunnel
  std::optional<std::uint16_t> path_mtu;  ///< reported by a router, or estimated for it; at least 68
  std::optional<Answer> answer;  ///< empty if the error is ignored, or the quotation names no valid sender
};

/// For an error about a packet of another tunnel `ours` is false and the rest is empty.
[[nodiscard]] Translated translate(const TunnelParameters& parameters, const WireError& error) noexcept;

}  // namespace sixin4::engine
