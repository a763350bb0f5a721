// The cost of ICMP errors, MSS clamping and the source filter per packet, with all data in cache;
// outbound_bench.cpp and inbound_bench.cpp measure the two directions. Each benchmark checks its output once
// against a plain computation that shares no code with the engine, so that fast but wrong code fails.
#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "sixin4/engine/icmp_error.hpp"
#include "sixin4/engine/mss.hpp"
#include "sixin4/engine/source.hpp"
#include "sixin4/engine/wire_error.hpp"
#include "sixin4/wire/ipv4.hpp"

#include "bench.hpp"

namespace sixin4::bench {
namespace {

void icmp_error(benchmark::State& state) {
  const Packet offending = tcp_packet(static_cast<std::size_t>(state.range(0)));
  wire::icmpv6::ErrorBuffer buffer{};
  const auto make = [&] {
    return wire::icmpv6::write_icmp_error(buffer, offending, wire::icmpv6::packet_too_big(1280),
                                          wire::Source{far_host});
  };
  const wire::Bytes made = make();
  const auto quoted = made.subspan(48);
  if (made.size() != std::min<std::size_t>(1280, offending.size() + 48) || made[40] != 2 || made[46] != 5 ||
      plain_transport_sum(made, wire::next_header::icmpv6) != 0xffff ||
      !std::equal(quoted.begin(), quoted.end(), offending.begin())) {
    return state.SkipWithError("wrong error");
  }
  measure(state, 1, made.size(), [&] { benchmark::DoNotOptimize(make()); });
}
BENCHMARK(icmp_error)->Arg(64)->Arg(576)->Arg(1480);

void translate(benchmark::State& state) {
  auto parameters = near_end();
  parameters.pmtudisc = true;
  const Packet inner = tcp_packet(static_cast<std::size_t>(state.range(0)));
  Packet quoted(outer_header);
  wire::write_ipv4_header(std::span{quoted}.first<outer_header>(),
                          {.total_length = static_cast<std::uint16_t>(outer_header + inner.size()),
                           .ttl = 64,
                           .source = {parameters.local},
                           .destination = {parameters.remote}});
  quoted.insert(quoted.end(), inner.begin(), inner.end());
  const engine::WireError error{.type = 3, .code = 4, .mtu = 1400, .quoted = quoted};
  const auto translated = engine::translate(parameters, error);
  if (!translated.ours || translated.path_mtu != 1400 || !translated.answer ||
      translated.answer->error != wire::icmpv6::packet_too_big(1380) ||
      !std::ranges::equal(translated.answer->offending, inner)) {
    return state.SkipWithError("wrong answer");
  }
  measure(state, 1, quoted.size(), [&] { benchmark::DoNotOptimize(engine::translate(parameters, error)); });
}
BENCHMARK(translate)->Arg(64)->Arg(576)->Arg(1480);

void mss_clamp(benchmark::State& state) {
  Packet syn = tcp_packet(64);
  syn[wire::ipv6_header_size + 12] = 6 << 4;
  syn[wire::ipv6_header_size + 13] = 0x02;
  const Packet option{2, 4, 0x22, 0x00};
  std::ranges::copy(option, syn.begin() + tcp_headers);
  wire::store16<0>(std::span{syn}.subspan(56).first<2>(), 0);
  const std::uint16_t sum = plain_transport_sum(syn, wire::next_header::tcp);
  wire::store16<0>(std::span{syn}.subspan(56).first<2>(), static_cast<std::uint16_t>(~unsigned{sum}));
  Packet packet = syn;
  const auto clamp = [&] {
    std::ranges::copy(wire::Bytes{syn}.subspan(wire::ipv6_header_size),
                      packet.begin() + wire::ipv6_header_size);
    engine::TunPacket clamped{.offload = {}, .bytes = packet};
    engine::clamp_mss(clamped, 1480);
  };
  clamp();
  if (packet[62] * 256U + packet[63] != 1420 || plain_transport_sum(packet, 6) != 0xffff) {
    return state.SkipWithError("wrong segment size");
  }
  measure(state, 1, packet.size(), clamp);
}
BENCHMARK(mss_clamp);

/// The source of the packet matches the last of `state.range(0)` prefixes.
void source_filter(benchmark::State& state) {
  auto parameters = near_end();
  parameters.ours.clear();
  for (std::uint8_t number = 0; parameters.ours.size() < static_cast<std::size_t>(state.range(0)); ++number) {
    parameters.ours.insert(
        parameters.ours.begin(),
        {.address = {{0x20, 0x01, 0x0d, 0xb8, static_cast<std::uint8_t>(1 + number)}}, .length = 48});
  }
  const Packet ours = tcp_packet(64);
  Packet foreign = ours;
  foreign[8] = 0x26;
  if (!engine::may_leave(parameters, ours) || engine::may_leave(parameters, foreign)) {
    return state.SkipWithError("wrong judgement");
  }
  wire::Bytes packet = ours;
  measure(state, 1, packet.size(), [&] {
    benchmark::DoNotOptimize(packet);
    benchmark::DoNotOptimize(engine::may_leave(parameters, packet));
  });
}
BENCHMARK(source_filter)->Arg(1)->Arg(4)->Arg(16);

}  // namespace
}  // namespace sixin4::bench
