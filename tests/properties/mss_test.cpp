// MSS clamping of any TCP header.
#include "sixin4/engine/mss.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>

#include <gtest/gtest.h>

#include "generators.hpp"

namespace sixin4::properties {
namespace {

constexpr unsigned flag_syn = 0x02;

/// A TCP packet with options, and the position of the first MSS among them.
struct Segment {
  Octets bytes;
  std::size_t transport = 40;
  std::optional<std::size_t> mss;  ///< offset of the value
};

/// Options of RFC 9293 §3.1: one octet, or kind and length first; possibly with the end among them.
Octets any_option() {
  const int kind = *between(0, 9);
  if (kind <= 2) {
    return {2, 4, *any_octet(), *any_octet()};
  }
  if (kind <= 4) return {1};
  if (kind == 5) return {*one_of<std::uint8_t>({0, 1})};
  const auto length = *between<std::uint8_t>(2, 10);
  Octets option = octets_from(*between<std::uint32_t>(0, 1000), length);
  option[0] = *between<std::uint8_t>(3, 255);
  option[1] = length;
  return option;
}

Segment any_segment() {
  Plan plan = *any_packet(1500);
  plan.protocol = protocol_tcp;
  plan.timestamps = false;
  plan.flags = static_cast<std::uint8_t>(plan.flags | (*between(0, 3) == 0 ? 0U : flag_syn));
  Tcp fields = tcp_of(plan);
  fields.extensions = {};
  Segment segment{.bytes = test::packet_of(fields), .mss = {}};

  Octets options;
  bool ended = false;
  for (int count = *between(0, 6); count > 0; --count) {
    const Octets option = any_option();
    if (options.size() + option.size() > 40) continue;
    if (option[0] == 2 && !segment.mss && !ended) segment.mss = 60 + options.size() + 2;
    ended = ended || option[0] == 0;
    options.insert(options.end(), option.begin(), option.end());
  }
  while (options.size() % 4 != 0) options.push_back(0);
  Octets& bytes = segment.bytes;
  bytes.insert(bytes.begin() + 60, options.begin(), options.end());
  bytes[52] = static_cast<std::uint8_t>((20 + options.size()) / 4 << 4U);
  put_word(bytes, 4, bytes.size() - 40);
  put_word(bytes, 56, 0);
  put_word(bytes, 56, 0xffffU ^ transport_sum(bytes, 40, protocol_tcp));

  const std::size_t before = bytes.size();
  bytes = with_extensions(bytes, chain_of(plan));
  segment.transport += bytes.size() - before;
  if (segment.mss) *segment.mss += bytes.size() - before;
  if ((bytes[segment.transport + 13] & flag_syn) == 0)
    segment.mss.reset();  // the option has no meaning without SYN
  return segment;
}

Octets clamped(Octets bytes, std::uint16_t mtu, const wire::VnetHeader& offload = {}) {
  engine::TunPacket packet{.offload = offload, .bytes = bytes};
  engine::clamp_mss(packet, mtu);
  return bytes;
}

rc::Gen<std::uint16_t> any_mtu() {
  return between<std::uint16_t>(1280, *one_of<std::uint16_t>({1480, 65515}));
}

RC_GTEST_PROP(MssClamp, AnnouncesTheSmallerOfBothAndChangesNothingElse, ()) {
  const Segment segment = any_segment();
  const std::uint16_t mtu = *any_mtu();
  Octets expected = segment.bytes;
  if (segment.mss) {
    put_word(expected, *segment.mss, std::min<unsigned>(word_at(expected, *segment.mss), mtu - 60U));
  }
  Octets result = clamped(segment.bytes, mtu);
  put_word(expected, segment.transport + 16, 0);
  put_word(result, segment.transport + 16, 0);
  RC_ASSERT(result == expected);
}

RC_GTEST_PROP(MssClamp, IsIdempotent, ()) {
  const Segment segment = any_segment();
  const std::uint16_t mtu = *any_mtu();
  const Octets once = clamped(segment.bytes, mtu);
  RC_ASSERT(clamped(once, mtu) == once);
}

RC_GTEST_PROP(MssClamp, TheSmallestMtuOfTwoWinsInEitherOrder, ()) {
  const Segment segment = any_segment();
  const std::uint16_t one = *any_mtu();
  const std::uint16_t other = *any_mtu();
  const Octets result = clamped(clamped(segment.bytes, one), other);
  RC_ASSERT(result == clamped(clamped(segment.bytes, other), one));
  RC_ASSERT(result == clamped(segment.bytes, std::min(one, other)));
}

RC_GTEST_PROP(MssClamp, ARightChecksumStaysRight, ()) {
  const Segment segment = any_segment();
  const Octets result = clamped(segment.bytes, *any_mtu());
  RC_ASSERT(transport_sum(result, segment.transport, protocol_tcp) == 0xffff);
}

RC_GTEST_PROP(MssClamp, AWrongChecksumStaysWrongByAsMuch, ()) {
  Segment segment = any_segment();
  put_word(segment.bytes, segment.transport + 16, *between<std::uint16_t>(0, 65535));
  const Octets result = clamped(segment.bytes, *any_mtu());
  const auto off_by = [&](const Octets& packet) {
    return transport_sum(packet, segment.transport, protocol_tcp) % 0xffffU;  // 0 and 0xffff are equal
  };
  RC_ASSERT(off_by(result) == off_by(segment.bytes));
}

RC_GTEST_PROP(MssClamp, AnUnfinishedChecksumIsLeftAlone, ()) {
  const Segment segment = any_segment();
  const wire::VnetHeader offload{.needs_checksum = true,
                                 .checksum_start = static_cast<std::uint16_t>(segment.transport),
                                 .checksum_offset = 16};
  const Octets result = clamped(segment.bytes, *any_mtu(), offload);
  RC_ASSERT(word_at(result, segment.transport + 16) == word_at(segment.bytes, segment.transport + 16));
}

}  // namespace
}  // namespace sixin4::properties
