// The address of the far end.
#pragma once

#include <string>

#include "sixin4/wire/address.hpp"

namespace sixin4::tunnel {

/// `host` is an IPv4 address or a host name; of several addresses the first is returned. Blocks on the
/// resolver. Throws std::runtime_error with the host in its message.
[[nodiscard]] wire::Ipv4Address resolve_ipv4(const std::string& host);

}  // namespace sixin4::tunnel
