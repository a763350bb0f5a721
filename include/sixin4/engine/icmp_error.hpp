// Decides whether an ICMPv6 error about a packet is allowed (RFC 4443).
#pragma once

#include "sixin4/wire/bytes.hpp"
#include "sixin4/wire/icmpv6.hpp"

namespace sixin4::engine {

/// Whether RFC 4443 §2.4 (e) allows this error about `offending`, an IPv6 packet or the start of one. False
/// if the start is too short to decide. True for a later fragment of an ICMPv6 message, whose type is
/// unknown.
[[nodiscard]] bool may_answer(wire::Bytes offending, const wire::icmpv6::Error& error) noexcept;

}  // namespace sixin4::engine
