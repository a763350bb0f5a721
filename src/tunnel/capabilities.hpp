// The capabilities that a running endpoint needs (capabilities(7)).
#pragma once

namespace sixin4::tunnel {

/// Throws std::runtime_error if this process lacks CAP_NET_ADMIN or CAP_NET_RAW. The message names the
/// purpose of each and the ways to grant it.
void require_capabilities();

}  // namespace sixin4::tunnel
