// No input makes the engine access a byte outside of it. Needs AddressSanitizer: every input lies in memory
// of its exact size.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>

#include <gtest/gtest.h>

#include "sixin4/engine/icmp_error.hpp"
#include "sixin4/engine/inbound.hpp"
#include "sixin4/engine/mss.hpp"
#include "sixin4/engine/outbound.hpp"
#include "sixin4/engine/source.hpp"
#include "sixin4/engine/wire_error.hpp"

#include "generators.hpp"

namespace sixin4::properties {
namespace {

using engine::TunPacket;

/// Gives each function its own copy.
class Exact {
 public:
  explicit Exact(wire::Bytes bytes)
      : copy_(std::make_unique<std::uint8_t[]>(bytes.size())), size_(bytes.size()) {
    std::ranges::copy(bytes, copy_.get());
  }
  [[nodiscard]] wire::MutableBytes bytes() const { return {copy_.get(), size_}; }

 private:
  std::unique_ptr<std::uint8_t[]> copy_;
  std::size_t size_;
};

void answer(wire::Bytes offending, const wire::icmpv6::Error& error) {
  if (!engine::may_answer(offending, error)) return;
  wire::icmpv6::ErrorBuffer buffer{};
  const auto packet =
      wire::icmpv6::write_icmp_error(buffer, offending, error, wire::Source{wire::link_local_of(near_end)});
  RC_ASSERT(packet.size() <= 1280U);
}

void send(const engine::TunnelParameters& parameters, TunPacket packet) {
  std::optional<engine::Segments> segments;
  if (engine::judge_outbound(parameters, packet, segments, {}) != engine::Verdict::pass) return;
  RC_ASSERT(packet.bytes.size() >= 40U);
  std::size_t sent = 0;
  engine::Encapsulator encapsulator;
  if (packet.offload.gso == wire::Gso::none) {
    if (engine::finish_checksum(packet)) {
      for (const Octets& piece : encapsulated(encapsulator, parameters, octets_of(packet.bytes))) {
        sent += piece.size() - outer_header;
      }
      RC_ASSERT(sent == packet.bytes.size());
    }
    return;
  }
  RC_ASSERT(segments.has_value());
  for (std::size_t index = 0; index < segments->count(); ++index) {
    const Exact headers{Octets(segments->header_length())};
    segments->write_headers(index, headers.bytes());
    sent += segments->payload(index).size();
  }
  RC_ASSERT(sent + segments->header_length() == packet.bytes.size());
}

/// The other inputs beside the bytes.
struct Circumstances {
  engine::TunnelParameters parameters = *any_parameters();
  wire::VnetHeader offload{};
  engine::ReceiveOffload received{};
  engine::WireError error{};  ///< quotes the bytes
};

wire::VnetHeader any_offload() {
  const auto either = rc::gen::arbitrary<bool>();
  wire::VnetHeader offload{.needs_checksum = *either};
  offload.gso = *one_of<wire::Gso>({wire::Gso::none, wire::Gso::tcp6, wire::Gso::udp, wire::Gso::tcp4});
  offload.gso_size = *between<std::uint16_t>(0, *one_of<std::uint16_t>({30, 2000, 65535}));
  offload.checksum_start = *one_of<std::uint16_t>({40, 48, 56, 0, 65535});
  if (*either) offload.checksum_start = *between<std::uint16_t>(0, 400);
  offload.checksum_offset = *one_of<std::uint16_t>({6, 16, 65535});
  return offload;
}

Circumstances any_circumstances() {
  Circumstances around;
  around.parameters.mss_clamp = *rc::gen::arbitrary<bool>();
  around.offload = any_offload();
  around.received = {.from_packet_socket = *rc::gen::arbitrary<bool>(),
                     .gso_size = *between<std::uint16_t>(0, 2000)};
  around.error = {.type = *one_of<std::uint8_t>({3, 11, 12}),
                  .code = *one_of<std::uint8_t>({0, 1, 4}),
                  .mtu = *between<std::uint16_t>(0, 65535)};
  return around;
}

/// Passes the bytes to every function that takes bytes from outside.
void everywhere(const Circumstances& around, wire::Bytes input) {
  const engine::TunnelParameters& parameters = around.parameters;
  send(parameters, {.offload = around.offload, .bytes = Exact{input}.bytes()});
  send(far_end_of(parameters), {.offload = {}, .bytes = Exact{input}.bytes()});
  {
    const Exact copy{input};
    TunPacket packet{.offload = around.offload, .bytes = copy.bytes()};
    (void)engine::finish_checksum(packet);
    engine::clamp_mss(packet, parameters.mtu);
  }
  {
    const Exact copy{input};
    const auto segments = engine::Segments::of({.offload = around.offload, .bytes = copy.bytes()});
    RC_ASSERT((!segments || segments->largest_packet() <= input.size()));
  }
  {
    const Exact copy{input};
    const auto out = engine::decapsulate(far_end_of(parameters), copy.bytes(), around.received);
    const wire::Bytes packet = out.packet.bytes;
    const bool within =
        packet.empty() || (packet.data() >= copy.bytes().data() && packet.size() <= input.size());
    RC_ASSERT(within);
  }
  {
    const Exact copy{input};
    engine::WireError error = around.error;
    error.quoted = copy.bytes();
    const auto translated = engine::translate(parameters, error);
    if (translated.answer) answer(translated.answer->offending, translated.answer->error);
  }
  const Exact copy{input};
  answer(copy.bytes(), wire::icmpv6::packet_too_big(1280));
  answer(copy.bytes(), wire::icmpv6::destination_unreachable(3));
  (void)engine::may_leave(parameters, copy.bytes());
}

/// A SYN whose options are any octets, or padding and then as much of an MSS option as fits.
Octets any_syn(const Plan& plan) {
  Tcp fields = tcp_of(plan);
  fields.flags = 0x02;
  fields.timestamps = false;
  fields.payload = {};
  Octets packet = test::packet_of(fields);
  const auto words = *between<std::size_t>(1, 10);
  Octets options(4 * words, 1);
  if (*rc::gen::arbitrary<bool>()) {
    constexpr std::array<std::uint8_t, 4> mss{2, 4, 255, 255};
    const auto room = *between<std::ptrdiff_t>(1, 4);
    std::copy_n(mss.begin(), room, options.end() - room);
  } else {
    for (std::uint8_t& octet : options) octet = *one_of<std::uint8_t>({1, 2, 3, 4, 5, *any_octet()});
  }
  packet.insert(packet.end(), options.begin(), options.end());
  packet[headers_of(fields) - tcp_header + 12] = static_cast<std::uint8_t>((5 + words) << 4U);
  put_word(packet, 4, packet.size() - ipv6_header);
  return packet;
}

/// A packet, possibly in an IPv4 packet from either end or as a super-packet, with some bytes changed.
Octets any_damaged_packet(Circumstances& around) {
  Plan plan = *any_packet(1280);
  plan.payload %= 100;
  Octets packet = packet_of(plan);
  const bool super = plan.protocol == protocol_tcp && *rc::gen::arbitrary<bool>();
  if (super) {
    const TunFrame frame = super_packet(tcp_of(plan), *between<std::uint16_t>(1, 50));
    packet = frame.bytes;
    around.offload = frame.offload;
  } else if (plan.protocol == protocol_tcp) {
    packet = any_syn(plan);
    around.parameters.mss_clamp = true;
    around.parameters.mtu = 1280;
    around.offload = {};
  }
  if (!super && *rc::gen::arbitrary<bool>()) {
    engine::Encapsulator encapsulator;
    packet = encapsulated(encapsulator, around.parameters, packet).front();
  }
  for (int changes = *between(0, 3); changes > 0; --changes) {
    packet[*between<std::size_t>(0, packet.size() - 1)] = *any_octet();
  }
  return packet;
}

RC_GTEST_PROP(Memory, OfRandomBytesNoneOutsideIsTouched, ()) {
  const Circumstances around = any_circumstances();
  const auto length = *between<std::size_t>(0, *one_of<std::size_t>({100, 2000, 65575}));
  Octets input = octets_from(*between<std::uint32_t>(0, 0xffffffff), length);
  if (!input.empty() && *rc::gen::arbitrary<bool>()) input[0] = *one_of<std::uint8_t>({0x45, 0x60});
  everywhere(around, input);
}

RC_GTEST_PROP(Memory, OfDamagedPacketsNoneOutsideIsTouchedWhereverTheyEnd, ()) {
  Circumstances around = any_circumstances();
  const Octets packet = any_damaged_packet(around);
  for (std::size_t length = 0; length <= packet.size(); ++length) {
    everywhere(around, wire::Bytes{packet}.first(length));
  }
}

RC_GTEST_PROP(Memory, OfPacketsWhoseLengthIsThatOfTheirBytesNoneOutsideIsTouched, ()) {
  Circumstances around = any_circumstances();
  const Octets packet = any_damaged_packet(around);
  for (std::size_t length = 40; length <= packet.size(); ++length) {
    Octets cut(packet.begin(), packet.begin() + static_cast<std::ptrdiff_t>(length));
    const bool ipv4 = cut[0] >> 4U == 4;
    put_word(cut, ipv4 ? 2 : 4, ipv4 ? length : length - 40);
    if (ipv4 && length >= 60) put_word(cut, 24, length - 60);
    everywhere(around, cut);
  }
}

}  // namespace
}  // namespace sixin4::properties
