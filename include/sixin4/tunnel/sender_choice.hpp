// The choice of the socket that outer packets leave by.
#pragma once

#include <optional>
#include <string>

#include "sixin4/io/wire_ends.hpp"

namespace sixin4::tunnel {

/// A raw socket sends through the host's IP layer. A packet socket sends past it, straight to the next hop.
struct SenderChoice {
  std::optional<io::NextHop> next_hop;  ///< of the packet socket; nullopt: a raw socket
  std::string reason;                   ///< why, in words for people
  bool operator==(const SenderChoice&) const = default;
};

}  // namespace sixin4::tunnel
