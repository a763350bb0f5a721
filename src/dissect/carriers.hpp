// Carriers: protocols between an outer and an inner IP header. GRE, VXLAN and Geneve are known.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "sixin4/dissect/layers.hpp"
#include "sixin4/wire/bytes.hpp"

namespace sixin4::dissect {

struct Carried {
  Carrier carrier = Carrier::none;
  std::uint32_t network = 0;  ///< virtual network identifier of VXLAN and Geneve
  wire::Bytes captured{};     ///< captured bytes from the inner IP header on
  std::size_t room = 0;       ///< bytes from the inner IP header on the wire
};

/// `payload` holds the captured part of a payload of `protocol` that had `room` bytes on the wire. Returns
/// nothing if it carries no IP packet, or if no byte of the IP packet was captured.
[[nodiscard]] std::optional<Carried> carried_in(std::uint8_t protocol, wire::Bytes payload,
                                                std::size_t room) noexcept;

}  // namespace sixin4::dissect
