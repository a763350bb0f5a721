// Errors: which packets they may be about, and that no error causes another.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include <gtest/gtest.h>

#include "sixin4/engine/icmp_error.hpp"
#include "sixin4/engine/wire_error.hpp"

#include "generators.hpp"

namespace sixin4::properties {
namespace {

using engine::TunnelParameters;
using engine::WireError;

/// An ICMP error about a lost packet (RFC 792).
WireError any_error(const Octets& quoted) {
  const auto [type, most] = *one_of<std::pair<std::uint8_t, std::uint8_t>>({{3, 15}, {11, 1}});
  return {.type = type,
          .code = *between<std::uint8_t>(0, most),
          .mtu = *between<std::uint16_t>(0, *one_of<std::uint16_t>({1600, 65535})),
          .quoted = quoted};
}

/// A tunnel that learns path MTUs.
TunnelParameters any_tunnel() {
  TunnelParameters parameters = *any_parameters();
  parameters.link_mtu = 65535;
  parameters.pmtudisc = true;
  return parameters;
}

Octets outer_of(const TunnelParameters& parameters, const Octets& packet) {
  engine::Encapsulator encapsulator;
  return encapsulated(encapsulator, parameters, packet).front();
}

wire::icmpv6::Error any_message() {
  return {.type = *between<std::uint8_t>(1, 4),
          .code = *any_octet(),
          .parameter = *between<std::uint32_t>(0, 0xffffffff)};
}

/// The ICMPv6 error for a lost packet of ours.
Octets error_about(const TunnelParameters& parameters, const Octets& packet) {
  const Octets quoted = outer_of(parameters, packet);
  const WireError error = any_error(quoted);
  const auto translated = engine::translate(parameters, error);
  RC_ASSERT(translated.ours);
  const bool forged = error.type == 3 && error.code == 4 && error.mtu != 0 && error.mtu < 68;
  if (forged) return {};
  RC_ASSERT(translated.answer.has_value());
  RC_ASSERT(engine::may_answer(translated.answer->offending, translated.answer->error));
  wire::icmpv6::ErrorBuffer buffer{};
  return octets_of(wire::icmpv6::write_icmp_error(
      buffer, translated.answer->offending, translated.answer->error, wire::Source{parameters.error_source}));
}

// RFC 4443 §2.4 (e.1): errors about errors would never end.
RC_GTEST_PROP(Errors, AboutAnErrorThereIsNone, ()) {
  const TunnelParameters parameters = any_tunnel();
  const Octets error = error_about(parameters, packet_of(*any_packet(parameters.mtu)));
  if (error.empty()) return;
  const Octets outer = outer_of(parameters, error);
  for (std::size_t length = 0; length <= outer.size(); ++length) {
    const Octets quoted(outer.begin(), outer.begin() + static_cast<std::ptrdiff_t>(length));
    const auto again = engine::translate(parameters, any_error(quoted));
    RC_ASSERT(again.ours == (length >= outer_header));
    RC_ASSERT((!again.answer || !engine::may_answer(again.answer->offending, again.answer->error)));
  }
}

RC_GTEST_PROP(Errors, HoweverLittleIsThereOfAnErrorItIsNotAnswered, ()) {
  Plan plan = *any_packet(700);
  plan.protocol = protocol_icmpv6;
  plan.message = *rc::gen::oneOf(between<std::uint8_t>(0, 127), rc::gen::just<std::uint8_t>(137));
  const Octets error = packet_of(plan);
  const auto message = any_message();
  for (std::size_t length = 0; length <= error.size(); ++length) {
    RC_ASSERT(!engine::may_answer(wire::Bytes{error}.first(length), message));
  }
}

RC_GTEST_PROP(Errors, GrowByTheirHeadersAndNeverPast1280, ()) {
  Octets packet = packet_of(*any_packet(*one_of<std::size_t>({600, 2000, 60000})));
  for (int times = 0; times < 4; ++times) {
    wire::icmpv6::ErrorBuffer buffer{};
    const Octets error = octets_of(wire::icmpv6::write_icmp_error(
        buffer, packet, any_message(), wire::Source{wire::link_local_of(near_end)}));
    RC_ASSERT(error.size() <= 1280U);  // RFC 4443 §2.4 (c)
    RC_ASSERT(error.size() <= packet.size() + 48);
    RC_ASSERT(error.size() == std::min<std::size_t>(1280, packet.size() + 48));
    packet = error;
  }
}

RC_GTEST_PROP(Errors, AreRightAndGoToTheSender, ()) {
  const Octets packet = packet_of(*any_packet(3000));
  const auto message = any_message();
  const auto source = wire::link_local_of(near_end);
  wire::icmpv6::ErrorBuffer buffer{};
  const Octets error =
      octets_of(wire::icmpv6::write_icmp_error(buffer, packet, message, wire::Source{source}));
  const wire::Bytes bytes{error};
  RC_ASSERT((error[0] & 0xf0U) == 0x60U);
  RC_ASSERT(word_at(error, 4) == error.size() - 40);
  RC_ASSERT(error[6] == protocol_icmpv6);
  RC_ASSERT(std::ranges::equal(bytes.subspan(8, 16), source.octets));
  RC_ASSERT(std::ranges::equal(bytes.subspan(24, 16), wire::Bytes{packet}.subspan(8, 16)));
  RC_ASSERT((error[40] == message.type && error[41] == message.code));
  RC_ASSERT(word_at(error, 44) * 65536U + word_at(error, 46) == message.parameter);
  RC_ASSERT(std::ranges::equal(bytes.subspan(48), wire::Bytes{packet}.first(error.size() - 48)));
  RC_ASSERT(transport_sum(error, 40, protocol_icmpv6) == 0xffff);
}

RC_GTEST_PROP(Errors, QuotingAnotherPacketMeanNothing, ()) {
  const TunnelParameters parameters = any_tunnel();
  Octets quoted = outer_of(parameters, packet_of(*any_packet(1280)));
  // Flips one bit of version, protocol, source or destination.
  const auto where = *one_of<std::size_t>({0, 9, 12, 13, 14, 15, 16, 17, 18, 19});
  const auto bit = *between(where == 0 ? 4U : 0U, 7U);
  quoted[where] = static_cast<std::uint8_t>(quoted[where] ^ 1U << bit);
  const auto translated = engine::translate(parameters, any_error(quoted));
  RC_ASSERT(!translated.ours);
  RC_ASSERT(!translated.path_mtu);
  RC_ASSERT(!translated.answer);
}

RC_GTEST_PROP(Errors, TellOfAPathMtuThatALinkMayHave, ()) {
  TunnelParameters parameters = any_tunnel();
  parameters.pmtudisc = *between(0, 3) != 0;
  const Octets outer = outer_of(parameters, packet_of(*any_packet(parameters.mtu)));
  const auto length = *between<std::size_t>(20, outer.size());
  const Octets quoted(outer.begin(), outer.begin() + static_cast<std::ptrdiff_t>(length));
  WireError error = any_error(quoted);
  error.type = 3;
  error.code = 4;
  const auto translated = engine::translate(parameters, error);
  const bool believed = parameters.pmtudisc && (error.mtu == 0 || error.mtu >= 68);
  RC_ASSERT(translated.path_mtu.has_value() == believed);
  RC_ASSERT((believed || !translated.answer));
  if (!believed) return;
  RC_ASSERT(*translated.path_mtu >= 68U);
  RC_ASSERT((error.mtu != 0 || *translated.path_mtu < outer.size() || *translated.path_mtu == 68U));
  if (!translated.answer) return;
  RC_ASSERT(translated.answer->error.type == 2U);
  RC_ASSERT(translated.answer->error.parameter >= 1280U);
  RC_ASSERT(translated.answer->error.parameter <= parameters.mtu);
}

}  // namespace
}  // namespace sixin4::properties
