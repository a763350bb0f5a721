// The two ends of the tunnel, and the next hop, as sockets need them.
#pragma once

#include <string>

#include "sixin4/wire/address.hpp"

namespace sixin4::io {

struct WireEnds {
  wire::Ipv4Address local;
  wire::Ipv4Address remote;
  std::string dev;    ///< name of the link that the tunnel is bound to; empty: any
  int dev_index = 0;  ///< index of that link, which changes if the link is created anew; 0: any
  bool operator==(const WireEnds&) const = default;
};

/// The first hop on the way to the far end, over a link with Ethernet headers.
struct NextHop {
  int link_index = 0;
  wire::Source<wire::MacAddress> source;  ///< of this host on the link
  wire::Destination<wire::MacAddress> destination;
  /// Set if this link and all further links finish the checksums inside protocol 41. The kernel cannot tell:
  /// it gives such a packet to a driver that knows IPv4 checksums only (NETIF_F_IP_CSUM; net/core/dev.c,
  /// skb_csum_hwoffload_help), which sends it unfinished. Such a driver may also be below a virtual link.
  bool finishes_checksums = false;
  bool operator==(const NextHop&) const = default;
};

}  // namespace sixin4::io
