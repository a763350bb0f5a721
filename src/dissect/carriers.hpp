// Protocols that carry packets of IP inside IP's payload, beside IP itself: GRE, VXLAN and Geneve.
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
  wire::Bytes there{};        ///< what the capture has, from the carried packet's IP header on
  std::size_t room = 0;       ///< that the carrier had on the wire
};

/// `payload` is what the capture has of a payload of `protocol` that had `room` bytes. Nothing where that
/// carries no IP, or the capture has not kept the first byte of it.
[[nodiscard]] std::optional<Carried> carried_in(std::uint8_t protocol, wire::Bytes payload,
                                                std::size_t room) noexcept;

}  // namespace sixin4::dissect
