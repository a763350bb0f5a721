// The request of `show --flows` for the flows that source rules track, and the answer in pages.
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
  wire::Ipv6Address source;          ///< local address in front of the tunnel, for flows of both directions
  wire::Ipv6Address outside_source;  ///< local address in the tunnel
  wire::Ipv6Address destination;
  std::uint16_t source_port = 0;  ///< or the identifier of an ICMPv6 echo; 0: the protocol has no ports
  std::uint16_t destination_port = 0;
  std::string state;       ///< `opening`, `established`, `closing`, `closed`
  std::uint16_t rule = 0;  ///< number of the source rule that matched; 0: none
  bool begun_inside = true;
  std::uint32_t idle_s = 0;
};

/// A part of the list. `next` is the position at which the next part begins; nothing: this is the last part.
struct FlowPage {
  std::vector<FlowStatus> flows;
  std::optional<std::uint32_t> next;
};

/// The request for the part that begins at position `first`. The list has parts because the size of a message
/// is limited.
[[nodiscard]] std::string flow_request(std::uint32_t first);
/// The position in such a request; nothing: `request` is another one.
[[nodiscard]] std::optional<std::uint32_t> first_flow_of(std::string_view request);
[[nodiscard]] std::string to_json(const FlowPage& page);

}  // namespace sixin4::control
