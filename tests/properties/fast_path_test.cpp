// Functions that work word by word give the same results as octet by octet.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

#include <gtest/gtest.h>

#include "sixin4/engine/source.hpp"
#include "sixin4/wire/checksum.hpp"
#include "sixin4/wire/ipv4.hpp"
#include "sixin4/wire/ipv6.hpp"

#include "generators.hpp"

namespace sixin4::properties {
namespace {

/// Few different octets, so that addresses are often alike.
wire::Ipv6Address any_address() {
  wire::Ipv6Address address;
  for (auto& octet : address.octets) octet = *one_of<std::uint8_t>({0, 0, 0, 0xff, 0x80, 0x20});
  const auto zeros = static_cast<std::ptrdiff_t>(*between<std::size_t>(0, 16));
  std::fill_n(address.octets.begin(), zeros, std::uint8_t{0});
  return address;
}

bool bit_of(const wire::Ipv6Address& address, std::size_t index) {
  return (address.octets[index / 8] >> (7 - index % 8) & 1U) != 0;
}

RC_GTEST_PROP(FastPath, APrefixContainsWhatHasItsBits, ()) {
  const wire::Ipv6Prefix prefix{any_address(), *between<std::uint8_t>(0, 128)};
  const wire::Ipv6Address address = any_address();
  bool expected = true;
  for (std::size_t bit = 0; bit < prefix.length; ++bit) {
    expected = expected && bit_of(prefix.address, bit) == bit_of(address, bit);
  }
  RC_ASSERT(prefix.contains(address) == expected);
  engine::TunnelParameters parameters;
  parameters.ours = {{any_address(), 128}, prefix, {any_address(), 127}};
  expected = std::ranges::any_of(parameters.ours, [&](const auto& each) { return each.contains(address); });
  RC_ASSERT(engine::is_ours(parameters, address) == expected);
}

// RFC 4213 §3.6, RFC 4291 §2.5.5
RC_GTEST_PROP(FastPath, SomeSourcesAreNeverValid, ()) {
  wire::Ipv6Address source = any_address();
  const auto near_ipv4 = one_of<std::uint8_t>({0, 0xff, 0xfe, 1});
  if (*rc::gen::arbitrary<bool>()) source = {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, *near_ipv4, *near_ipv4, 1}};
  const auto& octets = source.octets;
  const auto zero = [](std::uint8_t octet) { return octet == 0; };
  const bool unspecified = std::ranges::all_of(octets, zero);
  const bool first_ten_zero = std::all_of(octets.begin(), octets.begin() + 10, zero);
  const bool around_ipv4 =
      first_ten_zero && octets[10] == octets[11] && (octets[10] == 0 || octets[10] == 0xff);
  RC_ASSERT(engine::is_never_a_source(source) == (octets[0] == 0xff || (around_ipv4 && !unspecified)));
}

RC_GTEST_PROP(FastPath, AnOuterHeaderIsTheOneOfItsRfc, ()) {
  wire::Ipv4Fields fields{.tos = *any_octet(),
                          .total_length = *between<std::uint16_t>(0, 65535),
                          .identification = *between<std::uint16_t>(0, 65535),
                          .dont_fragment = *rc::gen::arbitrary<bool>(),
                          .more_fragments = *rc::gen::arbitrary<bool>(),
                          .fragment_offset = static_cast<std::uint16_t>(8 * *between(0, 8191)),
                          .ttl = *any_octet(),
                          .protocol = *any_octet(),
                          .source = {},
                          .destination = {}};
  for (auto& octet : fields.source.address.octets) octet = *any_octet();
  for (auto& octet : fields.destination.address.octets) octet = *any_octet();
  const auto& source = fields.source.address.octets;
  const auto& destination = fields.destination.address.octets;
  Octets expected{0x45, fields.tos, 0, 0, 0, 0, 0, 0, fields.ttl, fields.protocol, 0, 0};
  put_word(expected, 2, fields.total_length);
  put_word(expected, 4, fields.identification);
  put_word(expected, 6,
           fields.dont_fragment * 0x4000U + fields.more_fragments * 0x2000U + fields.fragment_offset / 8U);
  expected.insert(expected.end(), source.begin(), source.end());
  expected.insert(expected.end(), destination.begin(), destination.end());
  put_word(expected, 10, 0xffffU ^ reference_sum(expected));
  Octets header(20, 0xaa);
  wire::write_ipv4_header(std::span{header}.first<20>(), fields);
  RC_ASSERT(header == expected);
}

RC_GTEST_PROP(FastPath, ShortSumsAndPseudoHeadersAreThoseOfTheRfc, ()) {
  const Octets octets = octets_from(*between<std::uint32_t>(0, 0xffffffff), *between<std::size_t>(0, 64));
  RC_ASSERT(wire::sum_of(octets).folded() == reference_sum(octets));

  const Octets packet = packet_of(*any_packet(2000));
  const wire::Ipv6Header header{wire::Bytes{packet}.first<40>()};
  const auto length = static_cast<std::uint32_t>(packet.size() - 40);
  RC_ASSERT(
      wire::pseudo_header_sum(header.source(), header.destination(), length, header.next_header()).folded() ==
      reference_pseudo_sum(packet, 40, header.next_header()));
  const std::uint16_t part = wire::sum_of(octets).folded();
  const auto without = wire::sum_of(packet) + wire::InternetSum{part} + wire::InternetSum{part}.inverse();
  RC_ASSERT(without.folded() == reference_sum(packet));
}

}  // namespace
}  // namespace sixin4::properties
