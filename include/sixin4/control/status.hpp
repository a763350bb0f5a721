// What `show` tells of a running endpoint.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

namespace sixin4::control {

struct DirectionStatus {
  std::uint64_t packets = 0;  ///< inner packets as they are on the wire
  std::uint64_t bytes = 0;
  std::uint64_t icmp_errors = 0;               ///< ICMPv6 errors that were sent because of such packets
  std::map<std::string, std::uint64_t> drops;  ///< by the reason's name, those that have happened
};

enum class EndpointState : std::uint8_t {
  up,
  down,     ///< the interface is administratively down
  no_path,  ///< the host has no IPv4 path to the far end, or one through the tunnel itself: nothing is sent
  moved,    ///< the interface is in another network namespace
};

struct Status {
  std::string interface;
  std::string local;
  std::string remote;
  EndpointState state = EndpointState::down;
  std::string reason{};        ///< in words; empty: the state is `up`
  std::uint32_t mtu = 0;       ///< tunnel MTU
  std::uint32_t path_mtu = 0;  ///< of the IPv4 path, as far as it is known
  std::string wire;            ///< the socket by which the IPv4 side sends: `raw`, `packet` or `none`
  std::string wire_reason;     ///< why so, in words
  /// Services of the kernel by name: nothing where one is in force, and the reason where it is not.
  std::map<std::string, std::string> offload = {};
  double uptime_s = 0;
  DirectionStatus out;
  DirectionStatus in;
  std::uint32_t flows = 0;                            ///< that source rules keep track of
  std::optional<double> last_heard_s = std::nullopt;  ///< nothing: not heard yet
  std::optional<double> rtt_ms = std::nullopt;  ///< nothing: no echo has come back, or none is asked for
  std::optional<double> loss = std::nullopt;    ///< of those echoes, 0 to 1
};

/// One JSON object.
[[nodiscard]] std::string to_json(const Status& status);

}  // namespace sixin4::control
