// The parameters of a tunnel. Each worker has a copy, and replaces it between two batches.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "sixin4/wire/address.hpp"
#include "sixin4/wire/ipv4.hpp"
#include "sixin4/wire/ipv6.hpp"

namespace sixin4::engine {

class SourceRules;
struct FlowMemory;

struct TunnelParameters {
  wire::Ipv4Address local;
  wire::Ipv4Address remote;
  std::optional<std::uint8_t> ttl = 64;  ///< of the outer packet; empty: the inner hop limit
  std::optional<std::uint8_t> tos = 0;   ///< outer DSCP, in its place in the TOS octet; empty: the inner one
  bool ecn = true;  ///< RFC 6040: copy the ECN field outbound (normal mode); false: clear it
  std::uint16_t mtu = wire::ipv6_min_mtu;  ///< tunnel MTU: the largest inner packet, 1280 to 65515
  std::uint16_t link_mtu = 1500;           ///< largest IPv4 packet on the first link; 68 or more
  bool pmtudisc = false;  ///< RFC 4213: true lowers the MTU by ICMP errors (§3.2.2), false does not (§3.2.1)
  bool dont_fragment = false;  ///< with `pmtudisc` if the path carries 1280 bytes; then `mtu` fits the link
  bool loops = false;          ///< the IPv4 route to `remote` leads into the tunnel itself
  bool no_path = false;        ///< the host has no IPv4 route to `remote`: every outbound packet is refused
  wire::Ipv6Address error_source;                     ///< source of the ICMPv6 errors that this end sends
  std::vector<wire::Ipv6Prefix> ours;                 ///< the prefixes of this end
  bool ingress_filter = true;                         ///< refuse inbound packets with a source of `ours`
  bool egress_filter = true;                          ///< refuse outbound packets as `may_leave` decides
  std::shared_ptr<const SourceRules> source_rules{};  ///< empty: every source is kept
  std::shared_ptr<FlowMemory> flows{};  ///< shared by all workers; present whenever there are rules
  bool mss_clamp = false;               ///< lower the MSS of TCP connections to fit `mtu`
};

}  // namespace sixin4::engine
