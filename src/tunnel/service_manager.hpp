// Telling the service manager how the start went (sd_notify(3) describes the protocol).
#pragma once

#include <string_view>

namespace sixin4::tunnel {

/// Sends `state` (`READY=1`, `STOPPING=1`) to the socket that NOTIFY_SOCKET names; nobody listens: nothing
/// happens.
void notify_service_manager(std::string_view state) noexcept;

}  // namespace sixin4::tunnel
