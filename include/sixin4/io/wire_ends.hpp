// The two ends of the tunnel, as sockets need them.
#pragma once

#include <string>

#include "sixin4/wire/address.hpp"

namespace sixin4::io {

struct WireEnds {
  wire::Ipv4Address local;
  wire::Ipv4Address remote;
  std::string dev;    ///< the link that the tunnel is bound to; empty: any
  int dev_index = 0;  ///< of that link, which has another when it was made anew; 0: any
  bool operator==(const WireEnds&) const = default;
};

}  // namespace sixin4::io
