// ICMPv6 errors for packets that the tunnel refuses (RFC 4443).
#pragma once

#include <array>
#include <cstdint>

#include "sixin4/wire/address.hpp"
#include "sixin4/wire/bytes.hpp"
#include "sixin4/wire/icmpv6.hpp"
#include "sixin4/wire/ipv6.hpp"

namespace sixin4::engine {

/// Whether RFC 4443 §2.4 (e) allows this error in answer to `offending`, an IPv6 packet or the start of one.
/// False where too little of it is there to tell.
[[nodiscard]] bool may_answer(wire::Bytes offending, const wire::icmpv6::Error& error) noexcept;

/// An error packet never exceeds the least MTU that every link has (RFC 4443 §2.4 (c)).
using IcmpErrorBuffer = std::array<std::uint8_t, wire::ipv6_min_mtu>;

/// Writes the error packet into `buffer` and returns its bytes: from `source` to the sender of `offending`,
/// quoting as much of it as fits.
[[nodiscard]] wire::Bytes write_icmp_error(IcmpErrorBuffer& buffer, wire::Bytes offending,
                                           const wire::icmpv6::Error& error,
                                           const wire::Source<wire::Ipv6Address>& source) noexcept;

}  // namespace sixin4::engine
