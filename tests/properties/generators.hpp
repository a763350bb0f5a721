// Generators for properties: plans of packets and tunnels, drawn by rapidcheck, small in the first cases and
// larger later. A plan is a few numbers, so that a failing case shrinks; the payload follows from a seed.
//
// RC_ASSERT decomposes the operators in its argument, so a condition with || or && needs parentheses.
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <ostream>
#include <random>
#include <type_traits>
#include <utility>
#include <vector>

#include <rapidcheck/gtest.h>

#include "sixin4/engine/outbound.hpp"
#include "sixin4/engine/packet.hpp"
#include "sixin4/engine/parameters.hpp"

#include "packets.hpp"

namespace sixin4::properties {

using namespace test;

inline constexpr std::uint8_t protocol_tcp = 6;
inline constexpr std::uint8_t protocol_udp = 17;
inline constexpr std::uint8_t protocol_icmpv6 = 58;
inline constexpr std::size_t outer_header = 20;

/// From `least` to `most` inclusive, uniform in every case.
template <typename Number>
rc::Gen<Number> between(Number least, std::type_identity_t<Number> most) {
  const auto least_wide = static_cast<std::int64_t>(least);
  const auto most_wide = static_cast<std::int64_t>(most);
  const auto range = rc::gen::inRange<std::int64_t>(least_wide, most_wide + 1);
  return rc::gen::map(rc::gen::resize(rc::kNominalSize, range),
                      [](std::int64_t number) { return static_cast<Number>(number); });
}

template <typename Value>
rc::Gen<Value> one_of(std::initializer_list<Value> values) {
  return rc::gen::elementOf(std::vector<Value>(values));
}

inline rc::Gen<std::uint8_t> any_octet() {
  return between<std::uint8_t>(0, 255);
}

/// Octets determined by a length and a seed.
inline Octets octets_from(std::uint32_t seed, std::size_t length) {
  std::mt19937 random{seed};
  return random_octets(random, length);
}

/// An IPv6 packet from this end, with right checksums.
struct Plan {
  std::uint8_t protocol = protocol_udp;
  std::uint8_t traffic_class = 0;
  std::vector<std::pair<std::uint8_t, std::size_t>> extensions{};  ///< type, length in units of 8 octets
  std::size_t payload = 0;
  std::uint32_t seed = 0;      ///< for the payload and the TCP sequence number
  std::uint8_t flags = 0;      ///< of TCP
  bool timestamps = false;     ///< options of TCP
  std::uint8_t message = 128;  ///< type of ICMPv6
};

inline void showValue(const Plan& plan, std::ostream& stream) {
  stream << "protocol " << int{plan.protocol} << ", traffic class " << int{plan.traffic_class} << ", payload "
         << plan.payload << " bytes of seed " << plan.seed << ", flags " << int{plan.flags} << ", timestamps "
         << plan.timestamps << ", message " << int{plan.message} << ", extensions";
  for (const auto& [type, units] : plan.extensions) stream << ' ' << int{type} << '*' << units;
}

inline std::vector<Extension> chain_of(const Plan& plan) {
  std::vector<Extension> chain;
  for (const auto& [type, units] : plan.extensions) {
    chain.push_back(type == 44 ? fragment_extension(0, false) : options_extension(type, units));
  }
  return chain;
}

inline Tcp tcp_of(const Plan& plan) {
  return {.sequence = ~plan.seed,
          .flags = plan.flags,
          .timestamps = plan.timestamps,
          .payload = octets_from(plan.seed, plan.payload),
          .extensions = chain_of(plan),
          .traffic_class = plan.traffic_class};
}
inline Udp udp_of(const Plan& plan) {
  return {.payload = octets_from(plan.seed, plan.payload),
          .extensions = chain_of(plan),
          .traffic_class = plan.traffic_class};
}

inline Octets packet_of(const Plan& plan) {
  if (plan.protocol == protocol_tcp) return test::packet_of(tcp_of(plan));
  if (plan.protocol == protocol_udp) return test::packet_of(udp_of(plan));
  Octets upper = octets_from(plan.seed, plan.payload + 8);
  if (plan.protocol == protocol_icmpv6) upper[0] = plan.message;
  Octets packet = serialized(near_host, far_host, plan.traffic_class, Tins::RawPDU(upper));
  packet[6] = plan.protocol;
  if (plan.protocol == protocol_icmpv6) {
    put_word(packet, 42, 0);
    const wire::Bytes message = wire::Bytes{packet}.subspan(40);
    put_word(packet, 42, 0xffffU ^ reference_sum(message, reference_pseudo_sum(packet, 40, protocol_icmpv6)));
  }
  return with_extensions(packet, chain_of(plan));
}

/// Hop-by-hop options first, then routing headers, atomic fragment headers and destination options (RFC 8200
/// §4.1).
inline rc::Gen<std::vector<std::pair<std::uint8_t, std::size_t>>> any_extensions() {
  return rc::gen::exec([] {
    std::vector<std::pair<std::uint8_t, std::size_t>> chain;
    if (*between(0, 3) == 0) chain.emplace_back(std::uint8_t{0}, *between<std::size_t>(1, 8));
    for (int more = *between(0, 3); more > 0; --more) {
      chain.emplace_back(*one_of<std::uint8_t>({43, 44, 60}), *between<std::size_t>(1, 8));
    }
    return chain;
  });
}

/// A packet of at most `largest` bytes, at least 600.
inline rc::Gen<Plan> any_packet(std::size_t largest) {
  return rc::gen::exec([largest] {
    Plan plan;
    plan.protocol = *one_of<std::uint8_t>({protocol_tcp, protocol_udp, protocol_icmpv6, 59, 132});
    plan.traffic_class = *any_octet();
    plan.extensions = *any_extensions();
    plan.payload = *between<std::size_t>(0, largest - 40 - 4 * 64 - 32);
    plan.seed = *between<std::uint32_t>(0, 0xffffffff);
    plan.flags = *any_octet();
    plan.timestamps = *rc::gen::arbitrary<bool>();
    plan.message = *between<std::uint8_t>(128, 136);  // informational, without redirect
    return plan;
  });
}

/// The near end of a tunnel. With DF the tunnel MTU fits the link.
inline rc::Gen<engine::TunnelParameters> any_parameters() {
  return rc::gen::exec([] {
    engine::TunnelParameters parameters = near_parameters();
    const auto either = rc::gen::arbitrary<bool>();
    if (*either) parameters.ttl = *between<std::uint8_t>(1, 255);
    if (*either) parameters.ttl.reset();
    parameters.tos = *any_octet();
    if (*either) parameters.tos.reset();
    parameters.ecn = *either;
    parameters.mtu = *between<std::uint16_t>(1280, *either ? 1480 : 65515);
    parameters.link_mtu = *between<std::uint16_t>(68, *either ? 1500 : 65535);
    parameters.pmtudisc = *either;
    parameters.dont_fragment = parameters.pmtudisc && *either;
    if (parameters.dont_fragment) {
      parameters.link_mtu =
          *between<std::uint16_t>(static_cast<std::uint16_t>(parameters.mtu + outer_header), 65535);
    }
    parameters.ingress_filter = *either;
    parameters.egress_filter = *either;
    return parameters;
  });
}

inline engine::TunnelParameters far_end_of(const engine::TunnelParameters& near) {
  engine::TunnelParameters far = near;
  std::swap(far.local, far.remote);
  far.ours = {far_prefix};
  far.error_source = wire::link_local_of(far.local);
  return far;
}

/// Encapsulates a packet whose first `split` bytes are passed as rewritten headers.
inline std::vector<Octets> encapsulated(engine::Encapsulator& encapsulator,
                                        const engine::TunnelParameters& parameters, const Octets& packet,
                                        std::size_t split = 0) {
  std::vector<Octets> datagrams;
  engine::WireBatch batch;
  const auto flush = [&]() noexcept {
    for (const engine::OuterPacket& datagram : batch.packets()) datagrams.push_back(octets_of(datagram));
    batch.clear();
  };
  const wire::Bytes bytes{packet};
  encapsulator.add(parameters, bytes.first(split), bytes.subspan(split), batch, flush);
  flush();
  return datagrams;
}

/// The sum from `transport` on: 0xffff if the checksum is right.
inline std::uint16_t transport_sum(const Octets& packet, std::size_t transport, std::uint8_t protocol) {
  return reference_sum(wire::Bytes{packet}.subspan(transport),
                       reference_pseudo_sum(packet, transport, protocol));
}

}  // namespace sixin4::properties

namespace sixin4::engine {

inline void showValue(const TunnelParameters& parameters, std::ostream& stream) {
  stream << "mtu " << parameters.mtu << " link " << parameters.link_mtu << " ecn " << parameters.ecn << " DF "
         << parameters.dont_fragment << " pmtudisc " << parameters.pmtudisc << " tos "
         << (parameters.tos ? int{*parameters.tos} : -1) << " ttl "
         << (parameters.ttl ? int{*parameters.ttl} : -1) << " egress filter " << parameters.egress_filter;
}

}  // namespace sixin4::engine
