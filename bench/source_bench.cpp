// What source rules cost a packet on top: its flow found, its address replaced. And what a new flow costs.
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

/// A tunnel whose only rule gives every flow that address, and which has so many flows already.
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

/// `packet` as its SYN, which begins the flow.
void begin(const engine::TunnelParameters& parameters, Packet packet) {
  packet[wire::ipv6_header_size + 13] = wire::tcp::flag_syn;
  (void)engine::choose_source(parameters, packet, now);
}

wire::Ipv6Address source_of(const Packet& packet) {
  return wire::Ipv6Header{wire::Bytes{packet}.first<wire::ipv6_header_size>()}.source().address;
}

/// Both ways, so that the packet is the same again.
void translate_out_and_in(benchmark::State& state) {
  const auto parameters = with_flows(static_cast<std::uint32_t>(state.range(0)));
  Packet packet = tcp_packet(1480);
  const Packet before = packet;
  begin(parameters, packet);
  // The answer to it: addresses and ports the other way round, which leaves its checksum as it is.
  const auto turn_round = [](Packet& one) {
    std::swap_ranges(one.begin() + 8, one.begin() + 24, one.begin() + 24);
    std::swap_ranges(one.begin() + 40, one.begin() + 42, one.begin() + 42);
  };
  const auto out = [&] {
    engine::TunPacket read{.offload = {}, .bytes = packet};
    const engine::SourceChoice choice = engine::choose_source(parameters, read.bytes, now);
    if (choice.rewrites) engine::apply(choice, read);
  };
  const auto in = [&] {
    engine::TunPacket received{.offload = {}, .bytes = packet};
    engine::restore_destination(parameters, received, now);
  };
  out();
  const bool right = source_of(packet) == chosen && plain_transport_sum(packet, 6) == 0xffff;
  turn_round(packet);
  in();
  turn_round(packet);
  if (!right || packet != before) return state.SkipWithError("wrong translation");
  measure(state, 2, packet.size(), [&] {
    out();
    turn_round(packet);
    in();
    turn_round(packet);
    benchmark::DoNotOptimize(packet.data());
    benchmark::ClobberMemory();
  });
}
BENCHMARK(translate_out_and_in)->Arg(0)->Arg(60000);

/// What each of a flow's packets costs that keeps its address.
void find_flow(benchmark::State& state) {
  const auto parameters = with_flows(static_cast<std::uint32_t>(state.range(0)));
  engine::FlowTable& table = parameters.flows->table;
  // In an order that no cache foresees.
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

/// One flow more, and one less.
void begin_and_end_flow(benchmark::State& state) {
  const auto parameters = with_flows(static_cast<std::uint32_t>(state.range(0)));
  engine::FlowTable& table = parameters.flows->table;
  const engine::FlowKey key{
      .local = near_host, .remote = far_host, .local_port = 2, .remote_port = 25, .protocol = 6};
  if (!table.begin_inside(key, *parameters.source_rules, now).flow)
    return state.SkipWithError("no flow begins");
  measure(state, 1, wire::ipv6_header_size, [&] {
    const auto begun = table.begin_inside(key, *parameters.source_rules, now);
    table.end(*begun.flow);
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
  std::vector<wire::Ipv6Address> asked;
  for (int i = 0; i < 4096; ++i) asked.push_back(entries[random() % entries.size()].prefix.address);
  for (const wire::Ipv6Address& address : asked) {
    if (table.find(address) == engine::PrefixTable::absent) return state.SkipWithError("a prefix is missing");
  }
  std::size_t next = 0;
  measure(state, 1, wire::ipv6_header_size,
          [&] { benchmark::DoNotOptimize(table.find(asked[next++ % asked.size()])); });
}
BENCHMARK(look_up_prefix)->Arg(100)->Arg(10000)->Arg(100000);

}  // namespace
}  // namespace sixin4::bench
