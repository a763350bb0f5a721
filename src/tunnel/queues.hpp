// The queues of the tun device, as many as are wanted and can be had.
#pragma once

#include <string>
#include <vector>

#include "sixin4/config/configuration.hpp"
#include "sixin4/io/tun_device.hpp"

namespace sixin4::tunnel {

/// As many queues as configured; one where `auto` would be more and the kernel refuses them, and in `refused`
/// why. Throws where there is none, or not the number that is asked for.
[[nodiscard]] std::vector<io::TunDevice> open_queues(const config::Configuration& configuration,
                                                     std::string& refused);

}  // namespace sixin4::tunnel
