// The request `explain` to a running endpoint, and the answer.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "sixin4/wire/address.hpp"

namespace sixin4::control {

/// A packet that a program on this host could send, the subject of `explain`.
struct ExplainQuery {
  wire::Ipv6Address destination;
  std::optional<wire::Ipv6Address> from = std::nullopt;  ///< source address; nothing: the host chooses
  std::uint8_t protocol = 6;
  std::uint16_t port = 0;  ///< destination port
};

struct Explanation {
  std::string destination;
  std::string source{};         ///< source address in front of the tunnel; empty: none
  std::string source_reason{};  ///< why this source, in words
  std::string route{};          ///< in the notation of ip(8); empty: none
  bool enters_tunnel = false;
  // The other members are set only for a packet that enters the tunnel.
  std::uint16_t rule = 0;  ///< number of the source rule that matches; 0: none
  std::string rule_text{};
  std::string leaves_as{};       ///< source address in the tunnel; empty: one of `pool`, or none
  std::string pool{};            ///< text of the pool, if the address is chosen at random
  std::uint32_t mtu = 0;         ///< tunnel MTU
  std::string verdict{};         ///< `pass`, or the drop reason
  std::string verdict_reason{};  ///< in words; empty: none
};

[[nodiscard]] std::string explain_request(const ExplainQuery& query);
/// The query in such a request; nothing: `request` is another one.
[[nodiscard]] std::optional<ExplainQuery> explain_query_of(std::string_view request);

/// One JSON object.
[[nodiscard]] std::string to_json(const Explanation& explanation);
}  // namespace sixin4::control
