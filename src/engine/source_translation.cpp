#include "sixin4/engine/source_translation.hpp"

#include "sixin4/engine/rewrite.hpp"
#include "sixin4/engine/source.hpp"
#include "sixin4/wire/ipv6.hpp"

namespace sixin4::engine {

namespace {

bool has_rules(const TunnelParameters& parameters) noexcept {
  return parameters.source_rules && !parameters.source_rules->empty();
}

/// An ICMPv6 error belongs to the flow of the packet it quotes.
bool may_have_flow(const FlowPacket& parsed) noexcept {
  return parsed.part == FlowPart::error || is_between_hosts(parsed.key);
}

FragmentKey fragment_key(const FlowPacket& parsed, Direction direction) noexcept {
  return {.local = parsed.key.local,
          .remote = parsed.key.remote,
          .identification = parsed.identification,
          .direction = direction};
}

/// In TCP a SYN without ACK is no answer. In a flow begun outside the SYN and ACK of the host is none either,
/// because the host sends it for a forged SYN, too.
FlowSignals signals_of(const FlowPacket& parsed, Direction direction, const FlowTable::Found& flow) noexcept {
  const bool from_other_side = flow.begun != direction;
  const bool tcp = parsed.key.protocol == wire::next_header::tcp;
  const bool opens = tcp && (parsed.begins || (flow.begun == Direction::in && parsed.tcp_answers));
  return {.answer = from_other_side && !opens,
          .begins = tcp && parsed.begins,
          .fin = parsed.fin,
          .rst = parsed.rst};
}

/// Begins a flow, and removes it at once if the egress filter refuses its packets.
FlowTable::Begun begin_flow(const TunnelParameters& parameters, wire::Bytes packet, const FlowPacket& parsed,
                            Time now) noexcept {
  FlowTable& table = parameters.flows->table;
  const FlowTable::Begun begun = table.begin_inside(parsed.key, *parameters.source_rules, now);
  if (!begun.flow || !parameters.egress_filter || may_leave(parameters, begun.flow.other, packet))
    return begun;
  table.end(begun.flow);
  return {.verdict = Verdict::source_not_ours};
}

/// Finds the flow of an outbound packet, or begins it.
FlowTable::Begun flow_of(const TunnelParameters& parameters, wire::Bytes packet, const FlowPacket& parsed,
                         Time now) noexcept {
  FlowTable& table = parameters.flows->table;
  FlowTable::Begun result{.flow = table.find_inside(parsed.key, now)};
  // The ports of a TCP connection that has ended begin another one.
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

/// Records the decision for the fragments that follow. A second trail, with the translated address in its
/// key, is for ICMPv6 errors that quote one of these fragments.
void leave_trails(const TunnelParameters& parameters, const FlowPacket& first, Direction direction,
                  const FragmentTrail& trail, Time now) noexcept {
  FragmentTrails& trails = parameters.flows->fragments;
  FragmentKey key = fragment_key(first, direction);
  trails.leave(key, trail, now);
  if (trail.verdict != Verdict::pass) return;
  key.local = trail.address;
  trails.leave(key, {.address = first.key.local}, now);
}

SourceChoice choose_for_packet(const TunnelParameters& parameters, wire::Bytes packet,
                               const FlowPacket& parsed, Time now) noexcept {
  const FlowTable::Begun found = flow_of(parameters, packet, parsed, now);
  SourceChoice choice{.verdict = found.verdict};
  if (found.flow) {
    parameters.flows->table.note(found.flow, Direction::out, signals_of(parsed, Direction::out, found.flow));
    choice.rewrites = found.flow.rewritten;
    choice.from = parsed.key.local;
    choice.to = found.flow.other;
  }
  if (!parsed.is_first_fragment) return choice;
  if (choice.rewrites || choice.verdict != Verdict::pass) {
    leave_trails(parameters, parsed, Direction::out, {.verdict = choice.verdict, .address = choice.to}, now);
  } else if (parameters.flows->fragments.find(fragment_key(parsed, Direction::out), now)) {
    // The trail is of an earlier packet with the same identification: replace it.
    leave_trails(parameters, parsed, Direction::out, {.address = parsed.key.local}, now);
  }
  return choice;
}

SourceChoice choose_for_later_fragment(const TunnelParameters& parameters, const FlowPacket& parsed,
                                       Time now) noexcept {
  const auto trail = parameters.flows->fragments.find(fragment_key(parsed, Direction::out), now);
  if (!trail) return {};
  return {.verdict = trail->verdict,
          .rewrites = trail->verdict == Verdict::pass,
          .from = parsed.key.local,
          .to = trail->address};
}

/// The rewriting for the packet that `error` quotes, which went the other way.
SourceChoice rewriting_of_quoted(const TunnelParameters& parameters, wire::Bytes error,
                                 const FlowPacket& parsed, Direction direction, Time now) noexcept {
  const wire::Bytes quoted = quoted_by(error, parsed);
  FlowTable& table = parameters.flows->table;
  const Direction other = opposite(direction);
  const FlowPacket inner = flow_packet_of(quoted, other);
  if (inner.part == FlowPart::later_fragment) {
    const auto trail = parameters.flows->fragments.find(fragment_key(inner, other), now);
    if (!trail || trail->verdict != Verdict::pass) return {};
    return {.rewrites = true, .from = inner.key.local, .to = trail->address};
  }
  if (inner.part != FlowPart::packet) return {};
  const auto found =
      direction == Direction::out ? table.look_inside(inner.key) : table.look_outside(inner.key);
  if (!found || !found.rewritten) return {};
  return {.rewrites = true, .from = inner.key.local, .to = found.other};
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
  if (!may_have_flow(parsed)) return {};
  // RFC 7112: another fragment may hold the header that a rule needs.
  if (parsed.is_cut_short && has_rules(parameters)) return {.verdict = Verdict::malformed};
  switch (parsed.part) {
    case FlowPart::none:
      break;
    case FlowPart::packet:
      return choose_for_packet(parameters, packet, parsed, now);
    case FlowPart::later_fragment:
      return choose_for_later_fragment(parameters, parsed, now);
    case FlowPart::error:
      return rewriting_of_quoted(parameters, packet, parsed, Direction::out, now);
  }
  return {};
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
        // A TCP flow from outside begins when the host answers with SYN and ACK (`flow_of`).
        const bool begins_here = parsed.begins && parsed.key.protocol != wire::next_header::tcp;
        if (begins_here && has_rules(parameters)) table.begin_outside(parsed.key, now);
        return;
      }
      table.note(found, Direction::in, signals_of(parsed, Direction::in, found));
      if (!found.rewritten) return;
      if (parsed.is_first_fragment) {
        leave_trails(parameters, parsed, Direction::in, {.address = found.other}, now);
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
      if (rewriting.rewrites) rewrite_error(packet, parsed, Direction::in, rewriting.from, rewriting.to);
      return;
    }
  }
}

}  // namespace sixin4::engine
