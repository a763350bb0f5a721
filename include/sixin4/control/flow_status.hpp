// What `show --flows` tells of the flows that source rules keep track of.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sixin4/wire/address.hpp"

namespace sixin4::control {

struct FlowStatus {
  std::uint8_t protocol = 0;
  wire::Ipv6Address source;  ///< in front of the tunnel; of a flow that began outside, the local address
  wire::Ipv6Address outside_source;  ///< in the tunnel
  wire::Ipv6Address destination;
  std::uint16_t source_port = 0;  ///< of an ICMPv6 echo its identifier; 0 where the protocol has no ports
  std::uint16_t destination_port = 0;
  std::string state;       ///< `opening`, `established`, `closing`, `closed`
  std::uint16_t rule = 0;  ///< number of the source rule that chose; 0: none did
  bool begun_inside = true;
  std::uint32_t idle_s = 0;
};

/// A part of the list, and where the next part begins; nothing: it was the last.
struct FlowPage {
  std::vector<FlowStatus> flows;
  std::optional<std::uint32_t> next;
};

/// The request for the part that begins there. An answer holds no more than a message does.
[[nodiscard]] std::string flow_request(std::uint32_t first);
/// Where the part that is asked for begins; nothing where `request` is another one.
[[nodiscard]] std::optional<std::uint32_t> first_flow_of(std::string_view request);
[[nodiscard]] std::string to_json(const FlowPage& page);

}  // namespace sixin4::control
