// Notifies the service manager of start and stop (protocol: sd_notify(3)).
#pragma once

#include <string_view>

namespace sixin4::tunnel {

/// Sends `state` (`READY=1`, `STOPPING=1`) to the socket named by NOTIFY_SOCKET. Without the variable, or if
/// the send fails, it does nothing.
void notify_service_manager(std::string_view state) noexcept;

}  // namespace sixin4::tunnel
