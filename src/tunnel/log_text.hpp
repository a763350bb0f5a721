// Texts for the log about a whole endpoint.
#pragma once

#include <map>
#include <string>

#include "sixin4/control/status.hpp"

namespace sixin4::tunnel {

/// One line: packets, bytes and drops of both directions since the start.
[[nodiscard]] std::string counters_line(const control::Status& status);

/// The missing kernel services with their reasons; empty: none is missing. `offload` is a
/// control::Status::offload.
[[nodiscard]] std::string missing_services(const std::map<std::string, std::string>& offload);

}  // namespace sixin4::tunnel
