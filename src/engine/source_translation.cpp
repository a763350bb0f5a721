#include "sixin4/engine/source_translation.hpp"

#include <optional>

#include "sixin4/engine/rewrite.hpp"
#include "sixin4/wire/ipv6.hpp"

namespace sixin4::engine {

namespace {

bool has_rules(const TunnelParameters& parameters) noexcept {
  return parameters.source_rules && !parameters.source_rules->empty();
}

/// What is judged at all. An error is whose the packet is that it quotes.
bool is_between_hosts(const FlowPacket& parsed) noexcept {
  const FlowKey& flow = parsed.key;
  if (parsed.part == FlowPart::error) return true;
  return !flow.local.is_unspecified() && !flow.local.is_multicast() && !flow.local.is_link_local() &&
         !flow.remote.is_multicast() && !flow.remote.is_link_local();
}

FragmentKey fragment_key(const FlowPacket& parsed, Direction direction) noexcept {
  return {.local = parsed.key.local,
          .remote = parsed.key.remote,
          .identification = parsed.identification,
          .direction = direction};
}

FlowSignals signals_of(const FlowPacket& parsed, Direction direction, const FlowTable::Found& flow) noexcept {
  return {.answer = flow.begun_inside == (direction == Direction::in), .fin = parsed.fin, .rst = parsed.rst};
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

/// A TCP connection whose ports are used again.
bool is_over(const FlowTable::Found& flow) noexcept {
  return flow.state == FlowState::closing || flow.state == FlowState::closed;
}

/// An outward packet's, found or begun.
FlowTable::Begun flow_of(const TunnelParameters& parameters, const FlowPacket& parsed, Time now) noexcept {
  FlowTable& table = parameters.flows->table;
  FlowTable::Begun result{.flow = table.find_inside(parsed.key, now)};
  if (result.flow && parsed.begins && is_over(result.flow)) {
    table.end(result.flow);
    result.flow = {};
  }
  if (result.flow || !has_rules(parameters)) return result;
  if (parsed.begins) {
    result = table.begin_inside(parsed.key, *parameters.source_rules, now);
  } else if (parsed.tcp_answers) {
    table.begin_outside(parsed.key, now);
  }
  return result;
}

void choose_for_packet(const TunnelParameters& parameters, const FlowPacket& parsed, SourceChoice& choice,
                       Time now) noexcept {
  const FlowTable::Begun begun = flow_of(parameters, parsed, now);
  choice.verdict = verdict_of(begun.refusal);
  if (begun.flow) {
    parameters.flows->table.note(begun.flow, true, signals_of(parsed, Direction::out, begun.flow));
    choice.rewrites = begun.flow.rewritten;
    choice.from = parsed.key.local;
    choice.to = begun.flow.other;
  }
  if (parsed.is_first_fragment && (choice.rewrites || choice.verdict != Verdict::pass)) {
    parameters.flows->fragments.leave(fragment_key(parsed, Direction::out),
                                      {.verdict = choice.verdict, .address = choice.to}, now);
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
  const Direction other = direction == Direction::out ? Direction::in : Direction::out;
  const FlowPacket inner = flow_packet_of(quoted, other);
  if (inner.part != FlowPart::packet) return std::nullopt;
  const auto found =
      direction == Direction::out ? table.find_inside(inner.key, now) : table.find_outside(inner.key, now);
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

SourceChoice choose_source(const TunnelParameters& parameters, wire::Bytes packet, const FlowPacket& parsed,
                           Time now) noexcept {
  SourceChoice choice;
  if (!is_between_hosts(parsed)) return choice;
  switch (parsed.part) {
    case FlowPart::none:
      break;
    case FlowPart::packet:
      choose_for_packet(parameters, parsed, choice, now);
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
  if (!is_between_hosts(parsed)) return;
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
      table.note(found, false, signals_of(parsed, Direction::in, found));
      if (!found.rewritten) return;
      if (parsed.is_first_fragment) {
        parameters.flows->fragments.leave(fragment_key(parsed, Direction::in),
                                          {.verdict = Verdict::pass, .address = found.other}, now);
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
