#include "sixin4/engine/source_translation.hpp"

#include <optional>

#include "sixin4/engine/rewrite.hpp"
#include "sixin4/wire/ipv6.hpp"

namespace sixin4::engine {

namespace {

bool has_rules(const TunnelParameters& parameters) noexcept {
  return parameters.source_rules && !parameters.source_rules->empty();
}

/// Nothing to find, and nothing to begin.
bool is_idle(const TunnelParameters& parameters) noexcept {
  return !parameters.flows || (!has_rules(parameters) && parameters.flows->table.size() == 0);
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

FlowTable::Begun flow_of(const TunnelParameters& parameters, const FlowPacket& parsed, Time now) noexcept {
  FlowTable& table = parameters.flows->table;
  auto found = table.find_inside(parsed.key, now);
  const bool begins_another = found && parsed.begins && is_over(*found);
  if (begins_another) table.end(*found);
  if (found && !begins_another) return {.refusal = FlowTable::Refusal::none, .flow = found};
  if (!has_rules(parameters)) return {};
  if (parsed.begins) return table.begin_inside(parsed.key, *parameters.source_rules, now);
  if (parsed.tcp_answers) table.begin_outside(parsed.key, now);
  return {};
}

SourceChoice choice_of_packet(const TunnelParameters& parameters, const FlowPacket& parsed,
                              Time now) noexcept {
  const FlowTable::Begun begun = flow_of(parameters, parsed, now);
  SourceChoice choice{.verdict = verdict_of(begun.refusal)};
  if (begun.flow) {
    parameters.flows->table.note(*begun.flow, true, signals_of(parsed, Direction::out, *begun.flow));
    choice.rewrites = begun.flow->rewritten();
    choice.from = begun.flow->inside;
    choice.to = begun.flow->outside;
  }
  if (parsed.is_first_fragment && (choice.rewrites || choice.verdict != Verdict::pass)) {
    parameters.flows->fragments.leave(fragment_key(parsed, Direction::out),
                                      {.verdict = choice.verdict, .address = choice.to}, now);
  }
  return choice;
}

SourceChoice choice_of_later_fragment(const TunnelParameters& parameters, const FlowPacket& parsed,
                                      Time now) noexcept {
  const auto trail = parameters.flows->fragments.find(fragment_key(parsed, Direction::out), now);
  if (!trail) return {};
  return {.verdict = trail->verdict,
          .rewrites = trail->verdict == Verdict::pass,
          .from = parsed.key.local,
          .to = trail->address};
}

/// What `error` quotes went the other way.
std::optional<FlowTable::Found> flow_quoted(const TunnelParameters& parameters, wire::Bytes error,
                                            const FlowPacket& parsed, Direction direction,
                                            Time now) noexcept {
  const wire::Bytes quoted = quoted_by(error, parsed);
  FlowTable& table = parameters.flows->table;
  const Direction other = direction == Direction::out ? Direction::in : Direction::out;
  const FlowPacket inner = flow_packet_of(quoted, other);
  if (inner.part != FlowPart::packet) return std::nullopt;
  const auto found =
      direction == Direction::out ? table.find_inside(inner.key, now) : table.find_outside(inner.key, now);
  return found && found->rewritten() ? found : std::nullopt;
}

SourceChoice choice_of_error(const TunnelParameters& parameters, wire::Bytes packet, const FlowPacket& parsed,
                             Time now) noexcept {
  const auto found = flow_quoted(parameters, packet, parsed, Direction::out, now);
  if (!found) return {};
  return {.verdict = Verdict::pass, .rewrites = true, .from = found->inside, .to = found->outside};
}

}  // namespace

SourceChoice choose_source(const TunnelParameters& parameters, wire::Bytes packet, Time now) noexcept {
  if (is_idle(parameters)) return {};
  const FlowPacket parsed = flow_packet_of(packet, Direction::out);
  if (!is_between_hosts(parsed)) return {};
  SourceChoice choice;
  switch (parsed.part) {
    case FlowPart::none:
      return choice;
    case FlowPart::packet:
      choice = choice_of_packet(parameters, parsed, now);
      break;
    case FlowPart::later_fragment:
      choice = choice_of_later_fragment(parameters, parsed, now);
      break;
    case FlowPart::error:
      choice = choice_of_error(parameters, packet, parsed, now);
      break;
  }
  if (choice.rewrites) choice.parsed = parsed;
  return choice;
}

void apply(const SourceChoice& choice, TunPacket& packet) noexcept {
  if (choice.parsed.part == FlowPart::error) {
    rewrite_error(packet, choice.parsed, Direction::out, choice.from, choice.to);
  } else {
    rewrite_local(packet, choice.parsed, Direction::out, choice.to);
  }
}

wire::Ipv6Address resulting_source(const SourceChoice& choice, wire::Bytes packet) noexcept {
  const auto source = wire::Ipv6Header{packet.first<wire::ipv6_header_size>()}.source().address;
  return choice.rewrites && source == choice.from ? choice.to : source;
}

void restore_destination(const TunnelParameters& parameters, TunPacket& packet, Time now) noexcept {
  if (is_idle(parameters)) return;
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
      table.note(*found, false, signals_of(parsed, Direction::in, *found));
      if (!found->rewritten()) return;
      if (parsed.is_first_fragment) {
        parameters.flows->fragments.leave(fragment_key(parsed, Direction::in),
                                          {.verdict = Verdict::pass, .address = found->inside}, now);
      }
      return rewrite_local(packet, parsed, Direction::in, found->inside);
    }
    case FlowPart::later_fragment: {
      const auto trail = parameters.flows->fragments.find(fragment_key(parsed, Direction::in), now);
      if (trail) rewrite_local(packet, parsed, Direction::in, trail->address);
      return;
    }
    case FlowPart::error: {
      const auto found = flow_quoted(parameters, packet.bytes, parsed, Direction::in, now);
      if (found) rewrite_error(packet, parsed, Direction::in, found->outside, found->inside);
      return;
    }
  }
}

}  // namespace sixin4::engine
