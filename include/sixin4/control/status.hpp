// State and counters of a running endpoint, the answer to `show`.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

namespace sixin4::control {

struct DirectionStatus {
  std::uint64_t packets = 0;  ///< inner packets after segmentation, as in the tunnel
  std::uint64_t bytes = 0;
  std::uint64_t icmp_errors = 0;               ///< ICMPv6 errors sent in answer to such packets
  std::map<std::string, std::uint64_t> drops;  ///< by drop reason; reasons with count 0 are absent
};

enum class EndpointState : std::uint8_t {
  up,
  down,     ///< the interface is administratively down
  no_path,  ///< no IPv4 path to the far end, or only one through the tunnel itself; nothing is sent
  moved,    ///< the interface is in another network namespace
};

struct Status {
  std::string interface;
  std::string local;
  std::string remote;
  EndpointState state = EndpointState::down;
  std::string reason{};        ///< why the state is not `up`, in words
  std::uint32_t mtu = 0;       ///< tunnel MTU
  std::uint32_t path_mtu = 0;  ///< MTU of the IPv4 path, as far as it is known
  std::string wire;            ///< the socket of the IPv4 side: `raw`, `packet` or `none`
  std::string wire_reason;     ///< why this socket, in words
  /// Offloads by name, with the reason why one is missing; an empty reason means that it is in force.
  std::map<std::string, std::string> offload = {};
  double uptime_s = 0;
  DirectionStatus out;
  DirectionStatus in;
  std::uint32_t flows = 0;  ///< number of flows that source rules track
  std::optional<double> last_heard_s =
      std::nullopt;  ///< seconds since the last packet from the far end; nothing: none yet
  std::optional<double> rtt_ms = std::nullopt;  ///< round trip of echo requests; nothing: none answered
  std::optional<double> loss = std::nullopt;    ///< share of echo requests without an answer, 0 to 1
};

/// One JSON object.
[[nodiscard]] std::string to_json(const Status& status);

}  // namespace sixin4::control
