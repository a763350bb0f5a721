// The far end by name.
#pragma once

#include <string>

#include "sixin4/wire/address.hpp"

namespace sixin4::tunnel {

/// The IPv4 address that `host` is, or its name resolves to (the first one). Blocks on the resolver. Throws
/// std::runtime_error naming the host.
[[nodiscard]] wire::Ipv4Address resolve_ipv4(const std::string& host);

}  // namespace sixin4::tunnel
