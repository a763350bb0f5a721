// What a capture file says of its origin.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "sixin4/capture/pcapng_blocks.hpp"

namespace sixin4::capture {

/// This program and this host.
[[nodiscard]] CaptureHead capture_head(const std::string& interface, const std::string& filter,
                                       std::uint32_t snap_length, std::optional<Form> form = {});

}  // namespace sixin4::capture
