// What `explain` asks a running endpoint, and what it answers.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "sixin4/wire/address.hpp"

namespace sixin4::control {

/// A packet that a program on this host would send.
struct ExplainQuery {
  wire::Ipv6Address destination;
  std::optional<wire::Ipv6Address> from = std::nullopt;  ///< nothing: the host chooses
  std::uint8_t protocol = 6;
  std::uint16_t port = 0;  ///< of the destination
};

struct Explanation {
  std::string destination;
  std::string source{};         ///< that the program uses, or gets from the host; empty: there is none
  std::string source_reason{};  ///< in words
  std::string route{};          ///< as ip(8) writes it; empty: there is none
  bool enters_tunnel = false;
  // Of what enters:
  std::uint16_t rule = 0;  ///< number of the source rule that decides; 0: none matches
  std::string rule_text{};
  std::string leaves_as{};       ///< address; empty: it is one of `pool`, or none
  std::string pool{};            ///< that the address comes from, where chance decides
  std::uint32_t mtu = 0;         ///< of the tunnel
  std::string verdict{};         ///< `pass`, or the reason for which it would be dropped
  std::string verdict_reason{};  ///< in words, where there is more to say
};

[[nodiscard]] std::string explain_request(const ExplainQuery& query);
/// Nothing where `request` is another one.
[[nodiscard]] std::optional<ExplainQuery> explain_query_of(std::string_view request);

/// One JSON object.
[[nodiscard]] std::string to_json(const Explanation& explanation);
}  // namespace sixin4::control
