// What the engine knows of its tunnel. A value: a worker takes a copy and swaps it between two batches.
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
  std::optional<std::uint8_t> ttl = 64;  ///< of the outer packet; nothing: the inner hop limit
  std::optional<std::uint8_t> tos =
      0;            ///< DSCP of the outer packet, in its place in the octet; nothing: the inner one
  bool ecn = true;  ///< RFC 6040: the outer ECN field is the inner one (normal mode); false: Not-ECT
                    ///< (compatibility mode)
  std::uint16_t mtu = wire::ipv6_min_mtu;  ///< tunnel MTU: the largest inner packet, 1280 to 65515
  std::uint16_t link_mtu =
      1500;               ///< largest IPv4 packet that the link towards `remote` takes, 68 (RFC 791) or more
  bool pmtudisc = false;  ///< RFC 4213 §3.2.2: ICMP lowers the tunnel MTU; false: §3.2.1, nothing does
  bool dont_fragment =
      false;             ///< with `pmtudisc`, where the path carries 1280 bytes; `mtu` fits the link then
  bool loops = false;    ///< the IPv4 route towards `remote` leads into the tunnel itself
  bool no_path = false;  ///< the host has no IPv4 path to `remote`: nothing may be sent
  wire::Ipv6Address error_source;      ///< where the ICMPv6 errors that we send come from
  std::vector<wire::Ipv6Prefix> ours;  ///< the addresses that belong to this end
  bool ingress_filter = true;          ///< refuse inner sources that are ours when they come from outside
  bool egress_filter = true;           ///< refuse inner sources that are not ours when they go out
  std::shared_ptr<const SourceRules> source_rules{};  ///< nothing: every source is kept
  std::shared_ptr<FlowMemory> flows{};  ///< shared by all workers; with source rules always there
  bool mss_clamp = false;               ///< lower the MSS of TCP connections to what fits `mtu`
};

}  // namespace sixin4::engine
