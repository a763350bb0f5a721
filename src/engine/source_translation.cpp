#include "sixin4/engine/source_translation.hpp"

#include <optional>

#include "sixin4/engine/rewrite.hpp"
#include "sixin4/engine/source.hpp"
#include "sixin4/wire/ipv6.hpp"

namespace sixin4::engine {

namespace {

bool has_rules(const TunnelParameters& parameters) noexcept {
  return parameters.source_rules && !parameters.source_rules->empty();
}

/// An error is whose the packet is that it quotes.
bool may_have_flow(const FlowPacket& parsed) noexcept {
  return parsed.part == FlowPart::error || is_between_hosts(parsed.key);
}

FragmentKey fragment_key(const FlowPacket& parsed, Direction direction) noexcept {
  return {.local = parsed.key.local,
          .remote = parsed.key.remote,
          .identification = parsed.identification,
          .direction = direction};
}

/// A TCP connection is not answered by another SYN, nor, where it was begun outside, by our SYN and ACK:
/// whoever has sent the SYN with a wrong source never gets further.
FlowSignals signals_of(const FlowPacket& parsed, Direction direction, const FlowTable::Found& flow) noexcept {
  const bool from_other = flow.begun != direction;
  const bool tcp = parsed.key.protocol == wire::next_header::tcp;
  const bool opens = tcp && (parsed.begins || (flow.begun == Direction::in && parsed.tcp_answers));
  return {
      .answer = from_other && !opens, .begins = tcp && parsed.begins, .fin = parsed.fin, .rst = parsed.rst};
}

Verdict verdict_of(FlowTable::Refusal refusal) noexcept {
  switch (refusal) {
    case FlowTable::Refusal::rejected:
      return Verdict::source_rejected;
    case FlowTable::Refusal::table_full:
      return Verdict::flow_table_full;
    case FlowTable::Refusal::pool_exhausted:
      return Verdict::pool_exhausted;
    case FlowTable::Refusal::none:
      break;
  }
  return Verdict::pass;
}

/// An outward packet's flow, and what becomes of the packet.
struct PacketFlow {
  Verdict verdict = Verdict::pass;
  FlowTable::Found flow{};  ///< where it has one
};

/// A flow whose packets the egress filter refuses takes nobody's room.
bool may_stay(const TunnelParameters& parameters, const FlowTable::Found& flow, wire::Bytes packet) noexcept {
  return !parameters.egress_filter || may_leave(parameters, flow.other, packet);
}

PacketFlow begin_flow(const TunnelParameters& parameters, wire::Bytes packet, const FlowPacket& parsed,
                      Time now) noexcept {
  FlowTable& table = parameters.flows->table;
  const FlowTable::Begun begun = table.begin_inside(parsed.key, *parameters.source_rules, now);
  if (!begun.flow) return {.verdict = verdict_of(begun.refusal)};
  if (may_stay(parameters, begun.flow, packet)) return {.flow = begun.flow};
  table.end(begun.flow);
  return {.verdict = Verdict::source_not_ours};
}

/// Found or begun.
PacketFlow flow_of(const TunnelParameters& parameters, wire::Bytes packet, const FlowPacket& parsed,
                   Time now) noexcept {
  FlowTable& table = parameters.flows->table;
  PacketFlow result{.flow = table.find_inside(parsed.key, now)};
  // A TCP connection that has ended, whose ports begin another one.
  if (result.flow && parsed.begins && result.flow.state == FlowState::closing) {
    table.end(result.flow);
    result.flow = {};
  }
  if (result.flow || !has_rules(parameters)) return result;
  if (parsed.begins) {
    result = begin_flow(parameters, packet, parsed, now);
  } else if (parsed.tcp_answers) {
    table.begin_outside(parsed.key, now);
  }
  return result;
}

/// For the fragments behind it, and for errors that quote one of those: these have the other address.
void leave_trails(const TunnelParameters& parameters, const FlowPacket& first, Direction direction,
                  const FragmentTrail& trail, Time now) noexcept {
  FragmentTrails& trails = parameters.flows->fragments;
  FragmentKey key = fragment_key(first, direction);
  trails.leave(key, trail, now);
  if (trail.verdict != Verdict::pass) return;
  key.local = trail.address;
  trails.leave(key, {.verdict = Verdict::pass, .address = first.key.local}, now);
}

void choose_for_packet(const TunnelParameters& parameters, wire::Bytes packet, const FlowPacket& parsed,
                       SourceChoice& choice, Time now) noexcept {
  const PacketFlow its = flow_of(parameters, packet, parsed, now);
  choice.verdict = its.verdict;
  if (its.flow) {
    parameters.flows->table.note(its.flow, Direction::out, signals_of(parsed, Direction::out, its.flow));
    choice.rewrites = its.flow.rewritten;
    choice.from = parsed.key.local;
    choice.to = its.flow.other;
  }
  if (!parsed.is_first_fragment) return;
  if (choice.rewrites || choice.verdict != Verdict::pass) {
    leave_trails(parameters, parsed, Direction::out, {.verdict = choice.verdict, .address = choice.to}, now);
  } else if (parameters.flows->fragments.find(fragment_key(parsed, Direction::out), now)) {
    // Of another packet with the same identification, which is used again so soon.
    leave_trails(parameters, parsed, Direction::out, {.verdict = Verdict::pass, .address = parsed.key.local},
                 now);
  }
}

void choose_for_later_fragment(const TunnelParameters& parameters, const FlowPacket& parsed,
                               SourceChoice& choice, Time now) noexcept {
  const auto trail = parameters.flows->fragments.find(fragment_key(parsed, Direction::out), now);
  if (!trail) return;
  choice.verdict = trail->verdict;
  choice.rewrites = trail->verdict == Verdict::pass;
  choice.from = parsed.key.local;
  choice.to = trail->address;
}

/// Where the local address of a flow is not the same on both sides.
struct Rewriting {
  wire::Ipv6Address from;
  wire::Ipv6Address to;
};

/// What `error` quotes went the other way.
std::optional<Rewriting> rewriting_of_quoted(const TunnelParameters& parameters, wire::Bytes error,
                                             const FlowPacket& parsed, Direction direction,
                                             Time now) noexcept {
  const wire::Bytes quoted = quoted_by(error, parsed);
  FlowTable& table = parameters.flows->table;
  const Direction other = opposite(direction);
  const FlowPacket inner = flow_packet_of(quoted, other);
  if (inner.part == FlowPart::later_fragment) {
    const auto trail = parameters.flows->fragments.find(fragment_key(inner, other), now);
    if (!trail || trail->verdict != Verdict::pass) return std::nullopt;
    return Rewriting{.from = inner.key.local, .to = trail->address};
  }
  if (inner.part != FlowPart::packet) return std::nullopt;
  const auto found =
      direction == Direction::out ? table.look_inside(inner.key) : table.look_outside(inner.key);
  if (!found || !found.rewritten) return std::nullopt;
  return Rewriting{.from = inner.key.local, .to = found.other};
}

void choose_for_error(const TunnelParameters& parameters, wire::Bytes packet, const FlowPacket& parsed,
                      SourceChoice& choice, Time now) noexcept {
  const auto rewriting = rewriting_of_quoted(parameters, packet, parsed, Direction::out, now);
  if (!rewriting) return;
  choice.rewrites = true;
  choice.from = rewriting->from;
  choice.to = rewriting->to;
}

}  // namespace

bool knows_flows(const TunnelParameters& parameters) noexcept {
  return parameters.flows && (has_rules(parameters) || parameters.flows->table.size() != 0);
}

bool is_between_hosts(const FlowKey& flow) noexcept {
  return !flow.local.is_unspecified() && !flow.local.is_multicast() && !flow.local.is_link_local() &&
         !flow.remote.is_multicast() && !flow.remote.is_link_local();
}

SourceChoice choose_source(const TunnelParameters& parameters, wire::Bytes packet, const FlowPacket& parsed,
                           Time now) noexcept {
  SourceChoice choice;
  if (!may_have_flow(parsed)) return choice;
  if (parsed.is_cut_short && has_rules(parameters)) {
    choice.verdict = Verdict::malformed;  // RFC 7112: another fragment may hold what a rule would refuse
    return choice;
  }
  switch (parsed.part) {
    case FlowPart::none:
      break;
    case FlowPart::packet:
      choose_for_packet(parameters, packet, parsed, choice, now);
      break;
    case FlowPart::later_fragment:
      choose_for_later_fragment(parameters, parsed, choice, now);
      break;
    case FlowPart::error:
      choose_for_error(parameters, packet, parsed, choice, now);
      break;
  }
  return choice;
}

void apply(const SourceChoice& choice, const FlowPacket& parsed, TunPacket& packet) noexcept {
  if (parsed.part == FlowPart::error) {
    rewrite_error(packet, parsed, Direction::out, choice.from, choice.to);
  } else {
    rewrite_local(packet, parsed, Direction::out, choice.to);
  }
}

const wire::Ipv6Address& resulting_source(const SourceChoice& choice, const FlowPacket& parsed) noexcept {
  return choice.rewrites && parsed.key.local == choice.from ? choice.to : parsed.key.local;
}

void restore_destination(const TunnelParameters& parameters, TunPacket& packet, Time now) noexcept {
  if (!knows_flows(parameters)) return;
  const FlowPacket parsed = flow_packet_of(packet.bytes, Direction::in);
  if (!may_have_flow(parsed)) return;
  FlowTable& table = parameters.flows->table;
  switch (parsed.part) {
    case FlowPart::none:
      return;
    case FlowPart::packet: {
      const auto found = table.find_outside(parsed.key, now);
      if (!found) {
        // Of TCP the answer tells, and an echo that is asked for from outside needs no flow.
        const bool begins_here = parsed.begins && parsed.key.protocol != wire::next_header::tcp;
        if (begins_here && has_rules(parameters)) table.begin_outside(parsed.key, now);
        return;
      }
      table.note(found, Direction::in, signals_of(parsed, Direction::in, found));
      if (!found.rewritten) return;
      if (parsed.is_first_fragment) {
        leave_trails(parameters, parsed, Direction::in, {.verdict = Verdict::pass, .address = found.other},
                     now);
      }
      return rewrite_local(packet, parsed, Direction::in, found.other);
    }
    case FlowPart::later_fragment: {
      const auto trail = parameters.flows->fragments.find(fragment_key(parsed, Direction::in), now);
      if (trail) rewrite_local(packet, parsed, Direction::in, trail->address);
      return;
    }
    case FlowPart::error: {
      const auto rewriting = rewriting_of_quoted(parameters, packet.bytes, parsed, Direction::in, now);
      if (rewriting) rewrite_error(packet, parsed, Direction::in, rewriting->from, rewriting->to);
      return;
    }
  }
}

}  // namespace sixin4::engine
