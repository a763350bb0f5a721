// Opens the queues of the tun device.
#pragma once

#include <string>
#include <vector>

#include "sixin4/config/configuration.hpp"
#include "sixin4/io/tun_device.hpp"

namespace sixin4::tunnel {

/// Opens the configured number of queues; `auto`: one for each CPU. If that fails with `auto` it opens one
/// queue, and `why_one` gets the reason. Throws std::system_error or std::runtime_error otherwise.
[[nodiscard]] std::vector<io::TunDevice> open_queues(const config::Configuration& configuration,
                                                     std::string& why_one);

}  // namespace sixin4::tunnel
