// What the engine's own work costs a packet, in cache. Each benchmark checks its output once against a plain
// computation that shares no code with what it measures: fast but wrong fails.
#include <cstdint>
#include <memory>
#include <numeric>
#include <vector>

#include <benchmark/benchmark.h>

#include "sixin4/engine/inbound.hpp"
#include "sixin4/engine/outbound.hpp"
#include "sixin4/engine/segment.hpp"
#include "sixin4/wire/checksum.hpp"
#include "sixin4/wire/transport.hpp"

namespace {

using namespace sixin4;
using Packet = std::vector<std::uint8_t>;

constexpr std::size_t tcp_headers = wire::ipv6_header_size + wire::tcp::min_header_size;

/// RFC 1071 word by word.
std::uint16_t plain_sum(wire::Bytes bytes) {
  std::uint32_t sum = 0;
  for (std::size_t i = 0; i < bytes.size(); ++i) sum += i % 2 == 0 ? bytes[i] * 256U : bytes[i];
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16U);
  return static_cast<std::uint16_t>(sum);
}

/// A TCP packet of `size` bytes whose checksum field is zero.
Packet tcp_packet(std::size_t size) {
  Packet packet(size);
  std::iota(packet.begin(), packet.end(), std::uint8_t{1});
  wire::write_ipv6_header(std::span{packet}.first<wire::ipv6_header_size>(),
                          {.payload_length = static_cast<std::uint16_t>(size - wire::ipv6_header_size),
                           .next_header = wire::next_header::tcp,
                           .hop_limit = 64,
                           .source = {{{0x20, 0x01, 0x0d, 0xb8, 1}}},
                           .destination = {{{0x20, 0x01, 0x0d, 0xb8, 2}}}});
  packet[wire::ipv6_header_size + 12] = 5 << 4;
  wire::store16<0>(std::span{packet}.subspan(wire::ipv6_header_size + wire::tcp::checksum_offset).first<2>(),
                   0);
  return packet;
}

engine::TunnelParameters parameters() {
  engine::TunnelParameters result;
  result.local = {{192, 0, 2, 1}};
  result.remote = {{192, 0, 2, 2}};
  result.mtu = 1480;
  result.link_mtu = 1500;
  result.ours = {{.address = {{0x20, 0x01, 0x0d, 0xb8, 1}}, .length = 40}};
  return result;
}

Packet joined(const engine::OuterPacket& packet) {
  Packet bytes(packet.head.begin(), packet.head.end());
  bytes.insert(bytes.end(), packet.body.begin(), packet.body.end());
  return bytes;
}

void per_packet(benchmark::State& state, std::size_t packets) {
  state.counters["per_packet"] =
      benchmark::Counter(static_cast<double>(packets),
                         benchmark::Counter::kIsIterationInvariantRate | benchmark::Counter::kInvert);
}

void checksum(benchmark::State& state) {
  const Packet bytes = tcp_packet(static_cast<std::size_t>(state.range(0)));
  if (wire::sum_of(bytes).folded() != plain_sum(bytes)) return state.SkipWithError("wrong sum");
  for (auto _ : state) benchmark::DoNotOptimize(wire::sum_of(bytes));
  state.SetBytesProcessed(state.iterations() * state.range(0));
}
BENCHMARK(checksum)->Arg(64)->Arg(576)->Arg(1440)->Arg(65535);

void encapsulate(benchmark::State& state) {
  const auto tunnel = parameters();
  Packet packet = tcp_packet(static_cast<std::size_t>(state.range(0)));
  const auto batch = std::make_unique<engine::WireBatch>();
  engine::Encapsulator encapsulator;
  const auto add = [&] {
    engine::TunPacket read{.offload = {}, .bytes = packet};
    std::optional<engine::Segments> segments;
    if (engine::judge_outbound(tunnel, read, segments) != engine::Verdict::pass) return false;
    encapsulator.add(tunnel, {}, read.bytes, *batch, [&]() noexcept { batch->clear(); });
    return true;
  };
  if (!add()) return state.SkipWithError("refused");
  const Packet outer = joined(batch->packets().front());
  if (plain_sum(wire::Bytes{outer}.first(20)) != 0xffff ||
      !std::equal(packet.begin(), packet.end(), outer.begin() + 20)) {
    return state.SkipWithError("wrong outer packet");
  }
  for (auto _ : state) benchmark::DoNotOptimize(add());
  per_packet(state, 1);
}
BENCHMARK(encapsulate)->Arg(64)->Arg(576)->Arg(1480);

void segment(benchmark::State& state) {
  const auto tunnel = parameters();
  Packet packet = tcp_packet(65535);
  const engine::TunPacket super{
      .offload = {.needs_checksum = true,
                  .gso = wire::Gso::tcp6,
                  .gso_size = static_cast<std::uint16_t>(state.range(0) - tcp_headers),
                  .checksum_start = wire::ipv6_header_size,
                  .checksum_offset = wire::tcp::checksum_offset},
      .bytes = packet};
  const auto batch = std::make_unique<engine::WireBatch>();
  engine::Encapsulator encapsulator;
  const auto cut = [&] {
    const auto segments = *engine::Segments::of(super);
    encapsulator.add_segments(tunnel, segments, false, *batch, [&]() noexcept { batch->clear(); });
    return segments.count();
  };
  const std::size_t count = cut();
  for (const auto& outer : batch->packets()) {
    const Packet bytes = joined(outer);
    const wire::Bytes tcp = wire::Bytes{bytes}.subspan(60);
    const std::uint32_t pseudo =
        plain_sum(wire::Bytes{bytes}.subspan(28, 32)) + std::uint32_t(tcp.size()) + 6U;
    if ((plain_sum(tcp) + pseudo) % 0xffff != 0) return state.SkipWithError("wrong checksum");
  }
  batch->clear();
  for (auto _ : state) {
    benchmark::DoNotOptimize(cut());
    batch->clear();
  }
  per_packet(state, count);
}
BENCHMARK(segment)->Arg(1280)->Arg(1480);

void decapsulate(benchmark::State& state) {
  const auto near = parameters();
  auto far = near;
  std::swap(far.local, far.remote);
  far.ours = {{.address = {{0x20, 0x01, 0x0d, 0xb8, 2}}, .length = 40}};
  const Packet packet = tcp_packet(static_cast<std::size_t>(state.range(0)));
  const auto batch = std::make_unique<engine::WireBatch>();
  engine::Encapsulator encapsulator;
  encapsulator.add(near, {}, packet, *batch, []() noexcept {});
  Packet outer = joined(batch->packets().front());
  const auto inner = engine::decapsulate(far, outer);
  if (inner.verdict != engine::Verdict::pass || !std::ranges::equal(inner.packet.bytes, packet)) {
    return state.SkipWithError("wrong inner packet");
  }
  for (auto _ : state) benchmark::DoNotOptimize(engine::decapsulate(far, outer));
  per_packet(state, 1);
}
BENCHMARK(decapsulate)->Arg(64)->Arg(576)->Arg(1480);

}  // namespace
