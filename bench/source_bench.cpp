// The additional cost of source rules per packet (flow lookup, address rewriting), the cost of a new flow,
// and that of a lookup in a table of destinations.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <random>
#include <vector>

#include "sixin4/engine/flow_table.hpp"
#include "sixin4/engine/prefix_table.hpp"
#include "sixin4/engine/source_rules.hpp"
#include "sixin4/engine/source_translation.hpp"

#include "bench.hpp"

namespace sixin4::bench {
namespace {

constexpr wire::Ipv6Address chosen{{0x20, 0x01, 0x0d, 0xb8, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x25}};
constexpr wire::Ipv6Address last_chosen{{0x20, 0x01, 0x0d, 0xb8, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0}};
constexpr engine::Time now{std::chrono::hours{1}};

/// A tunnel whose rule gives every flow an address of a pool, with `flows` existing flows.
engine::TunnelParameters with_flows(std::uint32_t flows) {
  engine::SourceRule rule;
  rule.target = {.action = engine::SourceAction::use, .pool = 0};
  rule.mode = engine::PoolMode::first;
  engine::TunnelParameters parameters = near_end();
  parameters.source_rules = std::make_shared<engine::SourceRules>(
      std::vector{rule}, std::vector{engine::AddressPool{{{chosen, last_chosen}}}},
      std::vector<engine::SourceTable>{});
  parameters.flows = std::make_shared<engine::FlowMemory>(65536U, 4711U);
  for (std::uint32_t i = 0; i < flows; ++i) {
    (void)parameters.flows->table.begin_inside({.local = near_host,
                                                .remote = wire::Ipv6Address::of_words(i, 1),
                                                .local_port = 1,
                                                .remote_port = 25,
                                                .protocol = 6},
                                               *parameters.source_rules, now);
  }
  return parameters;
}

/// A tunnel that rewrites `near_host` to `chosen` and `chosen` to `near_host`, so that a packet can be
/// translated repeatedly.
engine::TunnelParameters swapping_tunnel() {
  const auto rule = [](const wire::Ipv6Address& from, std::uint32_t pool) {
    engine::SourceRule result;
    result.from = {from, 128};
    result.target = {.action = engine::SourceAction::use, .pool = pool};
    return result;
  };
  engine::TunnelParameters parameters = near_end();
  parameters.source_rules = std::make_shared<engine::SourceRules>(
      std::vector{rule(near_host, 0), rule(chosen, 1)},
      std::vector{engine::AddressPool{{{chosen, chosen}}}, engine::AddressPool{{{near_host, near_host}}}},
      std::vector<engine::SourceTable>{});
  parameters.flows = std::make_shared<engine::FlowMemory>(65536U, 4711U);
  return parameters;
}

wire::Ipv6Address local_of(wire::Bytes packet, engine::Direction direction) {
  const wire::Ipv6Header header{packet.first<wire::ipv6_header_size>()};
  return direction == engine::Direction::out ? header.source().address : header.destination().address;
}

/// The work runs on this many packets in turn, because a processor overlaps the work on consecutive packets.
constexpr std::size_t batch = 32;

void translate_outward(const engine::TunnelParameters& parameters, Packet& packet) {
  engine::TunPacket read{.offload = {}, .bytes = packet};
  const auto parsed = engine::flow_packet_of(read.bytes, engine::Direction::out);
  const auto choice = engine::choose_source(parameters, read.bytes, parsed, now);
  if (choice.rewrites) engine::apply(choice, parsed, read);
}

/// Begins both flows of a `swapping_tunnel`.
void begin_flows(const engine::TunnelParameters& parameters, Packet packet) {
  packet[wire::ipv6_header_size + 13] = wire::tcp::flag_syn;
  for (int flow = 0; flow < 2; ++flow) {
    translate_outward(parameters, packet);
  }
}

/// Measures `work`, which translates one packet, and checks the last translation of each packet.
template <typename Work>
void measure_translation(benchmark::State& state, const Packet& packet, engine::Direction direction,
                         Work&& work) {
  std::vector<Packet> packets(batch, packet);
  std::size_t translated = 0;
  measure(state, 1, packet.size(), [&] { work(packets[translated++ % batch]); });
  for (std::size_t i = 0; i < batch; ++i) {
    const std::size_t times = translated / batch + (i < translated % batch ? 1 : 0);
    const auto& expected = times % 2 == 0 ? near_host : chosen;
    const bool right =
        local_of(packets[i], direction) == expected && plain_transport_sum(packets[i], 6) == 0xffff;
    if (!right) return state.SkipWithError("wrong translation");
  }
}

void translate_source(benchmark::State& state) {
  const auto parameters = swapping_tunnel();
  const Packet packet = tcp_packet(1480);
  begin_flows(parameters, packet);
  measure_translation(state, packet, engine::Direction::out,
                      [&](Packet& one) { translate_outward(parameters, one); });
}
BENCHMARK(translate_source);

void translate_destination(benchmark::State& state) {
  const auto parameters = swapping_tunnel();
  Packet packet = tcp_packet(1480);
  begin_flows(parameters, packet);
  // The answer has addresses and ports swapped, which does not change the checksum.
  std::swap_ranges(packet.begin() + 8, packet.begin() + 24, packet.begin() + 24);
  std::swap_ranges(packet.begin() + 40, packet.begin() + 42, packet.begin() + 42);
  measure_translation(state, packet, engine::Direction::in, [&](Packet& one) {
    engine::TunPacket received{.offload = {}, .bytes = one};
    engine::restore_destination(parameters, received, now);
  });
}
BENCHMARK(translate_destination);

/// The cost of a packet whose flow keeps its address: one flow lookup.
void find_flow(benchmark::State& state) {
  const auto parameters = with_flows(static_cast<std::uint32_t>(state.range(0)));
  engine::FlowTable& table = parameters.flows->table;
  // A random order, so that the processor cannot fetch the next flow ahead of time.
  std::vector<engine::FlowKey> keys;
  std::mt19937 random{1};
  for (int i = 0; i < 4096; ++i) {
    keys.push_back(
        {.local = near_host,
         .remote = wire::Ipv6Address::of_words(random() % static_cast<std::uint32_t>(state.range(0)), 1),
         .local_port = 1,
         .remote_port = 25,
         .protocol = 6});
  }
  for (const engine::FlowKey& key : keys) {
    if (!table.find_inside(key, now)) return state.SkipWithError("a flow is missing");
  }
  std::size_t next = 0;
  measure(state, 1, wire::ipv6_header_size,
          [&] { benchmark::DoNotOptimize(table.find_inside(keys[next++ % keys.size()], now)); });
}
BENCHMARK(find_flow)->Arg(16)->Arg(60000);

/// The cost of beginning a flow and ending it.
void begin_and_end_flow(benchmark::State& state) {
  const auto parameters = with_flows(static_cast<std::uint32_t>(state.range(0)));
  engine::FlowTable& table = parameters.flows->table;
  const engine::FlowKey key{
      .local = near_host, .remote = far_host, .local_port = 2, .remote_port = 25, .protocol = 6};
  if (!table.begin_inside(key, *parameters.source_rules, now).flow)
    return state.SkipWithError("no flow begins");
  measure(state, 1, wire::ipv6_header_size, [&] {
    const auto begun = table.begin_inside(key, *parameters.source_rules, now);
    table.end(begun.flow);
  });
}
BENCHMARK(begin_and_end_flow)->Arg(0)->Arg(60000);

void look_up_prefix(benchmark::State& state) {
  std::mt19937_64 random{1};
  std::vector<engine::PrefixTable::Entry> entries;
  for (std::uint32_t i = 0; i < static_cast<std::uint32_t>(state.range(0)); ++i) {
    const auto address = wire::Ipv6Address::of_words(0x2000000000000000U | random() >> 3U, random());
    const auto length = static_cast<std::uint8_t>(i % 4 == 0 ? 128 : 32 + i % 33);
    entries.push_back({.prefix = {address, length}, .value = i});
  }
  const engine::PrefixTable table{entries};
  std::vector<wire::Ipv6Address> queries;
  for (int i = 0; i < 4096; ++i) queries.push_back(entries[random() % entries.size()].prefix.address);
  for (const wire::Ipv6Address& address : queries) {
    if (table.find(address) == engine::PrefixTable::absent) return state.SkipWithError("a prefix is missing");
  }
  std::size_t next = 0;
  measure(state, 1, wire::ipv6_header_size,
          [&] { benchmark::DoNotOptimize(table.find(queries[next++ % queries.size()])); });
}
BENCHMARK(look_up_prefix)->Arg(100)->Arg(10000)->Arg(100000);

}  // namespace
}  // namespace sixin4::bench
