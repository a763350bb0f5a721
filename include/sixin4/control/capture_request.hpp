// What a capturing program asks of a running endpoint, and the text of the answer. The packets come in memory
// whose descriptors go with it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace sixin4::control {

/// A live capture that keeps at most `snap_length` bytes of a packet.
[[nodiscard]] std::string capture_request(std::uint32_t snap_length);
/// The snap length; nothing where `request` is another one.
[[nodiscard]] std::optional<std::uint32_t> snap_length_of(std::string_view request);

/// What the flight recorder has.
inline constexpr std::string_view recorder_request = "recorder";

/// One JSON object: the tunnel's interface, to name what was captured by.
[[nodiscard]] std::string capture_answer(const std::string& interface);
[[nodiscard]] std::string interface_of(const std::string& answer);

}  // namespace sixin4::control
