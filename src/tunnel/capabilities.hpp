// What the endpoint's process must be allowed to do.
#pragma once

namespace sixin4::tunnel {

/// Throws std::runtime_error where this process lacks CAP_NET_ADMIN or CAP_NET_RAW; the message says what
/// each is for and what gives it.
void require_capabilities();

}  // namespace sixin4::tunnel
