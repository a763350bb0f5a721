// Decapsulation is the inverse of encapsulation.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <set>

#include <gtest/gtest.h>

#include "sixin4/engine/inbound.hpp"

#include "generators.hpp"

namespace sixin4::properties {
namespace {

using engine::TunnelParameters;

/// RFC 6040 §4.2, figure 4 as printed; -1: drop.
int figure_4(unsigned inner, unsigned outer) {
  constexpr int not_ect = 0b00;
  constexpr int ect_0 = 0b10;
  constexpr int ect_1 = 0b01;
  constexpr int ce = 0b11;
  constexpr std::array<int, 4> order{not_ect, ect_0, ect_1, ce};  // of rows and of columns
  constexpr std::array<std::array<int, 4>, 4> printed{{
      {not_ect, not_ect, not_ect, -1},
      {ect_0, ect_0, ect_1, ce},
      {ect_1, ect_1, ect_1, ce},
      {ce, ce, ce, ce},
  }};
  const auto place = [&](unsigned field) {
    return static_cast<std::size_t>(std::find(order.begin(), order.end(), static_cast<int>(field)) -
                                    order.begin());
  };
  return printed[place(inner)][place(outer)];
}

unsigned traffic_class_of(const Octets& packet) {
  return word_at(packet, 0) >> 4U & 0xffU;
}

/// Sets another ECN field, as a router does.
void mark(Octets& outer, unsigned field) {
  outer[1] = static_cast<std::uint8_t>((outer[1] & 0xfcU) | field);
  put_word(outer, 10, 0);
  put_word(outer, 10, 0xffffU ^ reference_sum(wire::Bytes{outer}.first(outer_header)));
}

/// The number of bytes passed as rewritten headers.
std::size_t any_split(const Octets& packet) {
  if (*rc::gen::arbitrary<bool>()) return 0;
  return *between<std::size_t>(40, std::min<std::size_t>(packet.size(), engine::Segments::max_headers));
}

RC_GTEST_PROP(Tunnel, WhatGoesInComesOutButForTheEcnField, ()) {
  TunnelParameters near = *any_parameters();
  near.link_mtu = 65535;
  const Octets packet = packet_of(*any_packet(near.mtu));
  const auto field = *between<unsigned>(0, 3);
  engine::Encapsulator encapsulator;
  auto datagrams = encapsulated(encapsulator, near, packet);
  RC_ASSERT(datagrams.size() == 1U);
  const unsigned inner = traffic_class_of(packet) & 3U;
  RC_ASSERT((datagrams[0][1] & 3U) == (near.ecn ? inner : 0U));  // RFC 6040 §4.1

  mark(datagrams[0], field);
  const auto out = engine::decapsulate(far_end_of(near), datagrams[0]);
  const int expected = figure_4(inner, field);
  if (expected < 0) {
    RC_ASSERT(out.verdict == engine::Verdict::ecn_invalid);
    return;
  }
  RC_ASSERT(out.verdict == engine::Verdict::pass);
  Octets as_sent = packet;
  as_sent[1] = static_cast<std::uint8_t>((packet[1] & 0xcfU) | static_cast<unsigned>(expected) << 4U);
  RC_ASSERT(octets_of(out.packet.bytes) == as_sent);
  RC_ASSERT(out.packet.offload == wire::VnetHeader{});
  RC_ASSERT(out.packets == 1U);
  RC_ASSERT(out.wire_bytes == packet.size());
}

RC_GTEST_PROP(Tunnel, NoPathThatLeavesTheEcnFieldAloneChangesAPacket, ()) {
  TunnelParameters near = *any_parameters();
  near.link_mtu = 65535;
  const Octets packet = packet_of(*any_packet(near.mtu));
  engine::Encapsulator encapsulator;
  auto datagrams = encapsulated(encapsulator, near, packet, any_split(packet));
  RC_ASSERT(datagrams.size() == 1U);
  RC_ASSERT(octets_of(engine::decapsulate(far_end_of(near), datagrams[0]).packet.bytes) == packet);
}

// RFC 791 §3.2
RC_GTEST_PROP(Tunnel, FragmentsPutTogetherAreThePacket, ()) {
  TunnelParameters near = *any_parameters();
  near.dont_fragment = false;
  const Octets packet = packet_of(*any_packet(near.mtu));
  engine::Encapsulator encapsulator;
  Octets joined;
  bool more = true;
  for (const Octets& fragment : encapsulated(encapsulator, near, packet, any_split(packet))) {
    RC_ASSERT(more);
    RC_ASSERT(fragment.size() <= near.link_mtu);
    RC_ASSERT(fragment.size() == word_at(fragment, 2));
    RC_ASSERT(reference_sum(wire::Bytes{fragment}.first(outer_header)) == 0xffff);
    const unsigned flags = word_at(fragment, 6) >> 13U;
    more = (flags & 1U) != 0;
    RC_ASSERT((flags & 2U) == 0U);  // DF
    RC_ASSERT((word_at(fragment, 6) & 0x1fffU) * std::size_t{8} == joined.size());
    joined.insert(joined.end(), fragment.begin() + outer_header, fragment.end());
  }
  RC_ASSERT(!more);
  RC_ASSERT(joined == packet);
}

RC_GTEST_PROP(Tunnel, NothingWithDfIsAFragmentOrHasAnIdentification, ()) {
  TunnelParameters near = *any_parameters();
  near.pmtudisc = near.dont_fragment = true;
  near.link_mtu = std::max<std::uint16_t>(near.link_mtu, static_cast<std::uint16_t>(near.mtu + outer_header));
  engine::Encapsulator encapsulator;
  if (*rc::gen::arbitrary<bool>()) {  // as on a path narrower than 1280 bytes
    TunnelParameters earlier = near;
    earlier.dont_fragment = false;
    (void)encapsulated(encapsulator, earlier, packet_of(*any_packet(1280)));
  }
  for (int count = 0; count < 3; ++count) {
    const auto datagrams = encapsulated(encapsulator, near, packet_of(*any_packet(near.mtu)));
    RC_ASSERT(datagrams.size() == 1U);
    RC_ASSERT(word_at(datagrams[0], 4) == 0U);       // identification
    RC_ASSERT(word_at(datagrams[0], 6) == 0x4000U);  // DF, no other flag, offset 0
  }
}

RC_GTEST_PROP(Tunnel, NoTwoPacketsWithoutDfShareAnIdentification, ()) {
  TunnelParameters near = *any_parameters();
  near.dont_fragment = false;
  const Octets packet = packet_of(*any_packet(1280));
  engine::Encapsulator encapsulator;
  std::set<unsigned> seen;
  const auto count = *between<std::size_t>(1, 300);
  for (std::size_t number = 0; number < count; ++number) {
    std::set<unsigned> own;
    for (const Octets& datagram : encapsulated(encapsulator, near, packet)) own.insert(word_at(datagram, 4));
    RC_ASSERT(own.size() == 1U);
    RC_ASSERT(*own.begin() != 0U);
    seen.merge(own);
  }
  RC_ASSERT(seen.size() == count);
}

}  // namespace
}  // namespace sixin4::properties
