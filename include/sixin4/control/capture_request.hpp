// Requests for a live capture and for the flight recorder, and their answers. The packets are in shared
// memory. Its descriptors are sent with the answer.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace sixin4::control {

/// The request for a live capture that keeps at most `snap_length` bytes of each packet.
[[nodiscard]] std::string capture_request(std::uint32_t snap_length);
/// The snap length of such a request; nothing: `request` is another one.
[[nodiscard]] std::optional<std::uint32_t> snap_length_of(std::string_view request);

/// The request for the packets in the flight recorder.
inline constexpr std::string_view recorder_request = "recorder";

/// The answer to both requests: one JSON object with the name of the tunnel's interface.
[[nodiscard]] std::string capture_answer(const std::string& interface);
/// Throws EndpointRefusal if `answer` is not such an object.
[[nodiscard]] std::string interface_of(const std::string& answer);

}  // namespace sixin4::control
