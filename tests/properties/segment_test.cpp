// Segmentation: the segments of a super-packet carry its byte stream, each with right headers.
#include "sixin4/engine/segment.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include <gtest/gtest.h>

#include "generators.hpp"

namespace sixin4::properties {
namespace {

using engine::Segments;

struct SuperPacket {
  TunFrame frame;
  std::size_t transport = 0;  ///< offset of TCP or UDP
  std::size_t headers = 0;    ///< of all headers
  std::uint8_t protocol = 0;
};

/// At most about 500 segments, to limit the time of a case.
SuperPacket any_super_packet() {
  Plan plan = *any_packet(65000);
  plan.protocol = *one_of<std::uint8_t>({protocol_tcp, protocol_udp});
  plan.payload = std::max<std::size_t>(plan.payload, 1);
  const auto least = static_cast<std::uint16_t>(1 + plan.payload / 500);
  const auto size = *between<std::uint16_t>(least, *one_of<std::uint16_t>({2000, 65535}));
  SuperPacket super{.frame = {}, .protocol = plan.protocol};
  if (plan.protocol == protocol_tcp) {
    super.frame = super_packet(tcp_of(plan), size);
    super.headers = headers_of(tcp_of(plan));
  } else {
    super.frame = super_packet(udp_of(plan), size);
    super.headers = headers_of(udp_of(plan));
  }
  super.transport = super.frame.offload.checksum_start;
  return super;
}

std::uint32_t sequence_of(const Octets& packet, std::size_t transport) {
  return word_at(packet, transport + 4) * 65536U + word_at(packet, transport + 6);
}

/// The headers without the fields that differ between segments: length, checksum, and in TCP sequence number
/// and flags.
Octets common_headers(const SuperPacket& super, const Octets& packet) {
  Octets headers(packet.begin(), packet.begin() + static_cast<std::ptrdiff_t>(super.headers));
  put_word(headers, 4, 0);
  const std::size_t transport = super.transport;
  if (super.protocol == protocol_tcp) {
    put_word(headers, transport + 4, 0);
    put_word(headers, transport + 6, 0);
    headers[transport + 13] = 0;
    put_word(headers, transport + 16, 0);
  } else {
    put_word(headers, transport + 4, 0);
    put_word(headers, transport + 6, 0);
  }
  return headers;
}

/// Flags of a segment: CWR on the first only (RFC 3168 §6.1.2), FIN and PSH on the last only.
unsigned flags_of_segment(unsigned flags, bool first, bool last) {
  if (!first) flags &= ~unsigned{tcp_cwr};
  if (!last) flags &= ~(unsigned{tcp_fin} | tcp_psh);
  return flags;
}

RC_GTEST_PROP(Segmentation, JoinedSegmentsAreTheByteStream, ()) {
  SuperPacket super = any_super_packet();
  const auto segments = Segments::of(super.frame.packet());
  RC_ASSERT(segments.has_value());
  RC_ASSERT(segments->header_length() == super.headers);
  Octets stream;
  std::size_t largest = 0;
  for (std::size_t index = 0; index < segments->count(); ++index) {
    const wire::Bytes payload = segments->payload(index);
    RC_ASSERT(payload.size() <= super.frame.offload.gso_size);
    RC_ASSERT((index + 1 == segments->count() || payload.size() == super.frame.offload.gso_size));
    stream.insert(stream.end(), payload.begin(), payload.end());
    largest = std::max(largest, super.headers + payload.size());
  }
  RC_ASSERT(segments->largest_packet() == largest);
  const auto payload = super.frame.bytes.begin() + static_cast<std::ptrdiff_t>(super.headers);
  RC_ASSERT((stream == Octets(payload, super.frame.bytes.end())));
}

RC_GTEST_PROP(Segmentation, EverySegmentsHeadersAreRight, ()) {
  SuperPacket super = any_super_packet();
  const Octets& whole = super.frame.bytes;
  const auto segments = Segments::of(super.frame.packet());
  RC_ASSERT(segments.has_value());
  std::size_t offset = 0;
  for (std::size_t index = 0; index < segments->count(); ++index) {
    Octets packet(super.headers);
    segments->write_headers(index, packet);
    const wire::Bytes payload = segments->payload(index);
    packet.insert(packet.end(), payload.begin(), payload.end());

    RC_ASSERT(common_headers(super, packet) == common_headers(super, whole));
    RC_ASSERT(word_at(packet, 4) == packet.size() - 40);
    RC_ASSERT(transport_sum(packet, super.transport, super.protocol) == 0xffff);
    const std::size_t transport = super.transport;
    if (super.protocol == protocol_tcp) {
      const auto expected = sequence_of(whole, transport) + static_cast<std::uint32_t>(offset);
      RC_ASSERT(sequence_of(packet, transport) == expected);
      RC_ASSERT(packet[transport + 13] ==
                flags_of_segment(whole[transport + 13], index == 0, index + 1 == segments->count()));
    } else {
      RC_ASSERT(word_at(packet, transport + 4) == packet.size() - transport);
      RC_ASSERT(word_at(packet, transport + 6) != 0U);  // 0 says "none" (RFC 8200 §8.1)
    }
    offset += payload.size();
  }
}

RC_GTEST_PROP(Segmentation, AChecksumThatTheLinkFinishesIsTheOneMadeHere, ()) {
  SuperPacket super = any_super_packet();
  const auto segments = Segments::of(super.frame.packet());
  RC_ASSERT(segments.has_value());
  const auto [start, offset] = segments->checksum_field();
  for (std::size_t index = 0; index < segments->count(); ++index) {
    Octets finished(super.headers);
    segments->write_headers(index, finished);
    Octets unfinished(super.headers);
    segments->write_unfinished_headers(index, unfinished);
    Octets packet = unfinished;
    const wire::Bytes payload = segments->payload(index);
    packet.insert(packet.end(), payload.begin(), payload.end());
    const unsigned checksum = 0xffffU ^ reference_sum(wire::Bytes{packet}.subspan(start));
    put_word(unfinished, std::size_t{start} + offset, checksum == 0 ? 0xffffU : checksum);
    RC_ASSERT(unfinished == finished);
  }
}

}  // namespace
}  // namespace sixin4::properties
