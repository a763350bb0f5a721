// The two ends of the tunnel and the next hop between them, as sockets need them.
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

/// The first host on the way to the far end, over a link with Ethernet headers.
struct NextHop {
  int link_index = 0;
  wire::Source<wire::MacAddress> source;  ///< this host's on the link
  wire::Destination<wire::MacAddress> destination;
  /// The link and all links behind it finish the checksums inside of protocol 41. Nothing tells: a driver
  /// that knows IPv4's checksums only (NETIF_F_IP_CSUM) is given the packet all the same (net/core/dev.c,
  /// skb_csum_hwoffload_help), and sends it as it is; behind a virtual link there may be such a driver, too.
  bool finishes_checksums = false;
  bool operator==(const NextHop&) const = default;
};

}  // namespace sixin4::io
