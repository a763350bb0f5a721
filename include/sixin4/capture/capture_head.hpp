// Describes this program and this host for the beginning of a capture file.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "sixin4/capture/pcapng_blocks.hpp"

namespace sixin4::capture {

/// `interface` is the tunnel's, `filter` the expression of the capture. Both are made printable. Without a
/// `form` the file has both forms.
[[nodiscard]] CaptureHead capture_head(const std::string& interface, const std::string& filter,
                                       std::uint32_t snap_length, std::optional<Form> form = {});

}  // namespace sixin4::capture
