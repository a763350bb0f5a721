// Opens the queues of the tun device.
#pragma once

#include <string>
#include <vector>

#include "sixin4/config/configuration.hpp"
#include "sixin4/io/tun_device.hpp"

namespace sixin4::tunnel {

/// Opens the configured number of queues; `auto`: one for each CPU. If `auto` cannot open several queues, the
/// reason goes to `why_one` and one queue is opened. Throws std::runtime_error if a configured number of
/// several queues cannot be opened, and std::system_error if one queue cannot be opened.
[[nodiscard]] std::vector<io::TunDevice> open_queues(const config::Configuration& configuration,
                                                     std::string& why_one);

}  // namespace sixin4::tunnel
