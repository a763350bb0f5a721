// Source rules on generated packets and flows: translation back restores the packet, checksums stay right,
// and no two flows collide in the tunnel.
#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <tuple>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "sixin4/engine/rewrite.hpp"
#include "sixin4/engine/source_rules.hpp"
#include "sixin4/engine/source_translation.hpp"
#include "sixin4/wire/ipv6.hpp"
#include "sixin4/wire/transport.hpp"

#include "generators.hpp"

namespace sixin4::properties {
namespace {

using engine::Direction;
using engine::FlowKey;
using engine::FlowTable;

wire::Ipv6Address any_address() {
  return wire::Ipv6Address::of_words(0x20010db800010000U | *between<std::uint64_t>(0, 0xffff),
                                     *between<std::uint64_t>(1, 0xffffffffU));
}

/// Ones'-complement arithmetic has two zeros: a checksum may come back as the other one.
bool has_plain_checksum(const Octets& packet, const engine::FlowPacket& parsed) {
  const auto offset = wire::pseudo_header_checksum_offset(parsed.key.protocol);
  return !offset || parsed.transport + *offset + 2 > packet.size() ||
         word_at(packet, parsed.transport + *offset) % 0xffff != 0;
}

/// The offset of the checksum that covers the addresses.
bool checksum_holds(const Octets& packet, const engine::FlowPacket& parsed) {
  if (!wire::pseudo_header_checksum_offset(parsed.key.protocol)) return true;
  return transport_sum(packet, parsed.transport, parsed.key.protocol) == 0xffff;
}

RC_GTEST_PROP(Source, BackAndForthIsNothing, ()) {
  Plan plan = *any_packet(1500);
  // The checksum of 132 (SCTP) does not cover the addresses; 59 has no upper layer.
  Octets packet = packet_of(plan);
  const Octets before = packet;
  const auto direction = *one_of({Direction::out, Direction::in});
  const engine::FlowPacket parsed = engine::flow_packet_of(packet, direction);
  RC_PRE(parsed.part == engine::FlowPart::packet);
  RC_PRE(has_plain_checksum(packet, parsed));
  const wire::Ipv6Address own = parsed.key.local;
  engine::TunPacket handed{.offload = {}, .bytes = packet};
  engine::rewrite_local(handed, parsed, direction, any_address());
  RC_ASSERT(checksum_holds(packet, parsed));
  engine::rewrite_local(handed, parsed, direction, own);
  RC_ASSERT(packet == before);
}

RC_GTEST_PROP(Source, AnUnfinishedChecksumStaysThePseudoHeadersSum, ()) {
  Plan plan = *any_packet(1500);
  plan.protocol = *one_of<std::uint8_t>({protocol_tcp, protocol_udp});
  TunFrame frame = plan.protocol == protocol_tcp ? unfinished(tcp_of(plan)) : unfinished(udp_of(plan));
  const engine::FlowPacket parsed = engine::flow_packet_of(frame.bytes, Direction::out);
  RC_PRE(parsed.part == engine::FlowPart::packet);
  engine::TunPacket handed = frame.packet();
  engine::rewrite_local(handed, parsed, Direction::out, any_address());
  const std::size_t field = parsed.transport + frame.offload.checksum_offset;
  const std::uint16_t expected = reference_pseudo_sum(frame.bytes, parsed.transport, plan.protocol);
  RC_ASSERT(word_at(frame.bytes, field) % 0xffff == expected % 0xffff);
}

RC_GTEST_PROP(Source, AnErrorKeepsItsChecksumAndThatOfWhatItQuotes, ()) {
  Plan plan = *any_packet(1100);
  const Octets quoted = packet_of(plan);
  Octets message{3, 0, 0, 0, 0, 0, 0, 0};
  const auto kept = *between<std::size_t>(40, quoted.size());
  message.insert(message.end(), quoted.begin(), quoted.begin() + static_cast<std::ptrdiff_t>(kept));
  Octets error = serialized("2001:db8:2::fe", near_host, 0, Tins::RawPDU(message));
  error[6] = protocol_icmpv6;
  test::finish_checksum(error, 40, 2, protocol_icmpv6);
  const Octets before = error;
  const engine::FlowPacket parsed = engine::flow_packet_of(error, Direction::in);
  RC_ASSERT(parsed.part == engine::FlowPart::error);
  RC_PRE(has_plain_checksum(error, parsed));
  RC_PRE(has_plain_checksum(quoted, engine::flow_packet_of(quoted, Direction::out)));
  const wire::Ipv6Address own = parsed.key.local;
  const wire::Ipv6Address other = any_address();
  engine::TunPacket handed{.offload = {}, .bytes = error};
  engine::rewrite_error(handed, parsed, Direction::in, own, other);
  RC_ASSERT(transport_sum(error, 40, protocol_icmpv6) == 0xffff);
  const engine::FlowPacket inner = engine::flow_packet_of(wire::Bytes{error}.subspan(48), Direction::out);
  if (kept == quoted.size() && inner.part == engine::FlowPart::packet) {
    RC_ASSERT(checksum_holds(Octets{error.begin() + 48, error.end()}, inner));
  }
  engine::rewrite_error(handed, parsed, Direction::in, other, own);
  RC_ASSERT(error == before);
}

// For a packet or first fragment cut anywhere.
RC_GTEST_PROP(Source, NothingThatIsCutPassesARuleThatRejectsAll, ()) {
  Plan plan = *any_packet(400);
  RC_PRE(plan.protocol != protocol_icmpv6);  // echo replies and errors pass
  plan.flags = 2;                            // a TCP SYN: the middle of a connection passes, too
  Octets packet = packet_of(plan);
  if (*between(0, 1) == 0) packet = with_extensions(packet, {fragment_extension(0, true)});
  packet.resize(*between<std::size_t>(40, packet.size()));
  put_word(packet, 4, packet.size() - 40);
  RC_PRE(wire::Ipv6Header::begins_whole(packet));  // a jumbogram is refused earlier
  engine::SourceRule rule;
  rule.target = {.action = engine::SourceAction::reject};
  engine::TunnelParameters parameters = near_parameters();
  parameters.source_rules = std::make_shared<engine::SourceRules>(
      std::vector{rule}, std::vector<engine::AddressPool>{}, std::vector<engine::SourceTable>{});
  parameters.flows = std::make_shared<engine::FlowMemory>(16U, 1U);
  const engine::FlowPacket parsed = engine::flow_packet_of(packet, Direction::out);
  const auto choice =
      engine::choose_source(parameters, packet, parsed, engine::Time{std::chrono::seconds{1000}});
  const auto expected = parsed.is_cut_short ? engine::Verdict::malformed : engine::Verdict::source_rejected;
  RC_ASSERT(choice.verdict == expected);
}

using Tuple = std::tuple<wire::Ipv6Address, wire::Ipv6Address, std::uint16_t, std::uint16_t, std::uint8_t>;

Tuple tuple_of(const FlowKey& inside, const wire::Ipv6Address& local) {
  return {local, inside.remote, inside.local_port, inside.remote_port, inside.protocol};
}

/// Few values of each, so that flows collide.
FlowKey any_flow() {
  return {.local = wire::Ipv6Address::of_words(1, *between<std::uint64_t>(1, 6)),
          .remote = wire::Ipv6Address::of_words(2, *between<std::uint64_t>(1, 2)),
          .local_port = *between<std::uint16_t>(1, 3),
          .remote_port = *between<std::uint16_t>(1, 2),
          .protocol = *one_of<std::uint8_t>({6, 17})};
}

engine::SourceRules any_rules() {
  std::vector<engine::SourceRule> rules(*between<std::size_t>(1, 3));
  for (engine::SourceRule& rule : rules) {
    if (*between(0, 1) == 0) rule.protocol = *one_of<std::uint8_t>({6, 17});
    rule.target.action =
        *one_of({engine::SourceAction::keep, engine::SourceAction::use, engine::SourceAction::use});
    rule.mode = *one_of({engine::PoolMode::first, engine::PoolMode::random, engine::PoolMode::hash});
  }
  const auto last = *between<std::uint64_t>(1, 4);
  return {rules,
          {engine::AddressPool{{{wire::Ipv6Address::of_words(1, 1), wire::Ipv6Address::of_words(1, last)}}}},
          {}};
}

// For any sequence of flows that begin, end, expire and return, under any rules.
RC_GTEST_PROP(Source, NoTwoFlowsAreTheSameOutsideAndNoneChangesItsAddress, ()) {
  const auto bound = *between<std::uint32_t>(1, 40);
  FlowTable table{bound, *between<std::uint64_t>(0, 1000)};
  std::map<Tuple, wire::Ipv6Address> alive;  // by inside key
  engine::SourceRules rules = any_rules();
  engine::Time now{std::chrono::seconds{1000}};
  for (int step = *between(1, 120); step > 0; --step) {
    now += std::chrono::seconds{*one_of({0, 0, 1, 7, 130})};
    std::optional<Tuple> ended;
    const FlowKey key = any_flow();
    switch (*between(0, 9)) {
      case 0:
        rules = any_rules();
        break;
      case 1:
        table.expire(now);
        break;
      case 2:
        if (const auto found = table.find_inside(key, now)) table.end(found);
        ended = tuple_of(key, key.local);
        break;
      case 3:
        table.begin_outside(key, now);
        break;
      case 4:
        if (const auto found = table.find_inside(key, now)) {
          table.note(found, *one_of({Direction::out, Direction::in}),
                     {.answer = true, .fin = *between(0, 3) == 0, .rst = *between(0, 3) == 0});
        }
        break;
      default: {
        const auto before = alive.find(tuple_of(key, key.local));
        const auto begun = table.begin_inside(key, rules, now);
        if (before != alive.end()) {
          RC_ASSERT(static_cast<bool>(begun.flow));
          RC_ASSERT(begun.flow.other == before->second);
        }
        if (begun.verdict == engine::Verdict::flow_table_full) {
          const auto all = table.list(0, bound, now);
          RC_ASSERT(all.size() == bound);
          for (const auto& flow : all) RC_ASSERT(flow.state == engine::FlowState::established);
        }
        break;
      }
    }
    RC_ASSERT(table.size() <= bound);
    std::set<Tuple> outside;
    const std::map<Tuple, wire::Ipv6Address> former = std::exchange(alive, {});
    for (const auto& flow : table.list(0, bound, now)) {
      RC_ASSERT(outside.insert(tuple_of(flow.inside, flow.outside)).second);
      const Tuple inside = tuple_of(flow.inside, flow.inside.local);
      RC_ASSERT(alive.emplace(inside, flow.outside).second);
      // A flow that was ended and begun anew in this step is another flow.
      const auto before = former.find(inside);
      RC_ASSERT((ended == inside || before == former.end() || before->second == flow.outside));
    }
    RC_ASSERT(alive.size() == table.size());
  }
}

}  // namespace
}  // namespace sixin4::properties
