// Both workers of a tunnel with source rules, with ends in memory, and packets for them.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "sixin4/engine/inbound_pump.hpp"
#include "sixin4/engine/outbound_pump.hpp"
#include "sixin4/engine/source_rules.hpp"
#include "sixin4/engine/source_translation.hpp"

#include "memory_ends.hpp"
#include "packets.hpp"

namespace sixin4::engine::test_translation {

using namespace std::chrono_literals;
using namespace test;
using Packets = std::vector<Octets>;

inline constexpr Time start{1000s};
inline const std::string chosen_host = "2001:db8:1::25";
inline constexpr wire::Ipv6Address chosen{{0x20, 0x01, 0x0d, 0xb8, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x25}};

inline SourceRule rule_with(SourceAction action) {
  SourceRule rule;
  rule.target = {.action = action, .pool = 0};
  return rule;
}

/// The first rule is `rule`; the only pool has one address.
class Translation : public testing::Test {
 protected:
  explicit Translation(SourceRule rule = rule_with(SourceAction::use), std::uint32_t bound = 64) {
    parameters.source_rules = std::make_shared<SourceRules>(std::vector{std::move(rule)},
                                                            std::vector{AddressPool{{{chosen, chosen}}}},
                                                            std::vector<SourceTable>{});
    parameters.flows = std::make_shared<FlowMemory>(bound, 1);
  }

  /// The inner packets sent for a packet from the near tun.
  std::vector<Octets> out(const TunFrame& frame, Time now = start) {
    near_tun.to_read.push_back(frame);
    wire.sent.clear();
    (void)outbound->turn(parameters, now);
    std::vector<Octets> inner;
    for (const Octets& packet : wire.sent) inner.emplace_back(packet.begin() + 20, packet.end());
    return inner;
  }
  std::vector<Octets> out(const Octets& packet, Time now = start) {
    return out(TunFrame{.bytes = packet}, now);
  }

  /// The packets written to the near tun for an inner packet.
  std::vector<TunFrame> in(const Octets& inner, Time now = start) {
    wire.to_receive.push_back(outer_packet(inner));
    near_tun.written.clear();
    (void)inbound->turn(parameters, now);
    return near_tun.written;
  }

  TunnelParameters parameters = near_parameters();
  MemoryTun near_tun;
  MemoryWire wire;
  DirectionCounters out_counters;
  DirectionCounters in_counters;
  LastTime last_heard;
  std::unique_ptr<OutboundPump<MemoryTun, MemoryWire>> outbound =
      std::make_unique<OutboundPump<MemoryTun, MemoryWire>>(near_tun, wire, out_counters);
  std::unique_ptr<InboundPump<MemoryWire, MemoryTun>> inbound =
      std::make_unique<InboundPump<MemoryWire, MemoryTun>>(wire, near_tun, in_counters, last_heard);
};

inline Octets from_near(const Octets& payload = payload_of(30), const std::string& source = near_host) {
  return packet_of(Udp{.payload = payload, .source = source});
}
inline Octets syn(const std::string& source = near_host) {
  return packet_of(Tcp{.flags = 0x02, .source = source});
}
/// `upper` from the far host, with swapped ports.
inline Octets answer_to(const std::string& destination, const Tins::PDU& upper) {
  return serialized(far_host, destination, 0, upper);
}
inline Octets udp_answer(const std::string& destination = chosen_host) {
  return answer_to(destination, Tins::UDP(40000, 53) / Tins::RawPDU(payload_of(50)));
}
inline Octets tcp_answer(const std::string& destination, std::uint8_t flags) {
  Tins::TCP tcp(40000, 443);
  tcp.flags(flags);
  return answer_to(destination, tcp);
}
/// An ICMPv6 packet, because libtins 4.0 cannot write all of them.
inline Octets icmpv6(const std::string& source, const std::string& destination, std::uint8_t type,
                     Octets rest) {
  Octets message{type, 0, 0, 0};
  message.insert(message.end(), rest.begin(), rest.end());
  Octets packet = serialized(source, destination, 0, Tins::RawPDU(message));
  packet[6] = 58;
  test::finish_checksum(packet, 40, 2, 58);
  return packet;
}
inline Octets echo(const std::string& source, const std::string& destination, std::uint8_t type,
                   std::uint8_t identifier = 9) {
  return icmpv6(source, destination, type, {0, identifier, 0, 1, 5, 6, 7});
}
/// An ICMPv6 error of this type about `quoted`.
inline Octets error_about(const std::string& source, const std::string& destination, std::uint8_t type,
                          const Octets& quoted) {
  Octets rest{0, 0, 5, 0};
  rest.insert(rest.end(), quoted.begin(), quoted.end());
  return icmpv6(source, destination, type, rest);
}

class Rejecting : public Translation {
 protected:
  Rejecting() : Translation(rule_with(SourceAction::reject)) {}
};

}  // namespace sixin4::engine::test_translation
