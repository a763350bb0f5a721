// The cost of an outbound packet: verdict, segmentation, encapsulation.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>

#include "sixin4/engine/outbound.hpp"
#include "sixin4/engine/segment.hpp"

#include "bench.hpp"

namespace sixin4::bench {
namespace {

/// Judges and encapsulates packets as the outbound pump does, without super-packets, reading and sending.
class Outbound {
 public:
  explicit Outbound(const engine::TunnelParameters& parameters) : parameters_(parameters) {}

  bool add(Packet& packet) {
    engine::TunPacket read{.offload = {}, .bytes = packet};
    std::optional<engine::Segments> segments;
    if (engine::judge_outbound(parameters_, read, segments, {}) != engine::Verdict::pass) return false;
    encapsulator_.add(parameters_, {}, read.bytes, *batch_, [this]() noexcept { batch_->clear(); });
    return true;
  }
  [[nodiscard]] engine::WireBatch& batch() { return *batch_; }

 private:
  const engine::TunnelParameters& parameters_;
  std::unique_ptr<engine::WireBatch> batch_ = std::make_unique<engine::WireBatch>();
  engine::Encapsulator encapsulator_;
};

/// Whether the outer headers have right checksums and the payloads together are `inner`.
bool carries(std::span<const engine::OuterPacket> packets, const Packet& inner) {
  Packet carried;
  for (const engine::OuterPacket& packet : packets) {
    const Packet outer = joined(packet);
    if (plain_sum(wire::Bytes{outer}.first(outer_header)) != 0xffff) return false;
    carried.insert(carried.end(), outer.begin() + outer_header, outer.end());
  }
  return carried == inner;
}

void encapsulate(benchmark::State& state) {
  const auto parameters = near_end();
  Packet packet = tcp_packet(static_cast<std::size_t>(state.range(0)));
  Outbound outbound{parameters};
  if (!outbound.add(packet) || !carries(outbound.batch().packets(), packet)) {
    return state.SkipWithError("wrong outer packet");
  }
  measure(state, 1, packet.size(), [&] { benchmark::DoNotOptimize(outbound.add(packet)); });
}
BENCHMARK(encapsulate)->Arg(64)->Arg(576)->Arg(1280)->Arg(1480);

void encapsulate_fragments(benchmark::State& state) {
  auto parameters = near_end();
  Packet packet = tcp_packet(static_cast<std::size_t>(state.range(0)));
  parameters.mtu = 65515;
  parameters.link_mtu = 1280;
  Outbound outbound{parameters};
  const std::size_t expected =
      (packet.size() + 1255) / 1256;  // 157 * 8 bytes fit into a fragment after the outer header
  if (!outbound.add(packet) || outbound.batch().size() != expected ||
      !carries(outbound.batch().packets(), packet)) {
    return state.SkipWithError("wrong fragments");
  }
  measure(state, 1, packet.size(), [&] { benchmark::DoNotOptimize(outbound.add(packet)); });
}
BENCHMARK(encapsulate_fragments)->Arg(1280)->Arg(1480)->Arg(65515);

void segment_as(benchmark::State& state, bool link_finishes) {
  const auto parameters = near_end();
  const auto size = static_cast<std::size_t>(state.range(0));
  Packet packet = unfinished_tcp_packet(65535);
  engine::TunPacket super{.offload = {.needs_checksum = true,
                                      .gso = wire::Gso::tcp6,
                                      .gso_size = static_cast<std::uint16_t>(size - tcp_headers),
                                      .checksum_start = wire::ipv6_header_size,
                                      .checksum_offset = wire::tcp::checksum_offset},
                          .bytes = packet};
  const auto batch = std::make_unique<engine::WireBatch>();
  engine::Encapsulator encapsulator;
  const auto cut = [&] {
    std::optional<engine::Segments> segments;
    batch->clear();
    if (engine::judge_outbound(parameters, super, segments, {}) != engine::Verdict::pass) return false;
    encapsulator.add_segments(parameters, *segments, link_finishes, *batch, [&]() noexcept {});
    return true;
  };
  if (!cut()) return state.SkipWithError("refused");
  for (const engine::OuterPacket& outer : batch->packets()) {
    Packet inner = joined(outer);
    inner.erase(inner.begin(), inner.begin() + outer_header);
    if (outer.checksum_start != 0) {
      const auto sum = plain_sum(wire::Bytes{inner}.subspan(outer.checksum_start - outer_header));
      wire::store16<0>(
          std::span{inner}.subspan(outer.checksum_start - outer_header + outer.checksum_offset).first<2>(),
          static_cast<std::uint16_t>(~unsigned{sum}));
    }
    if (plain_transport_sum(inner, wire::next_header::tcp) != 0xffff) {
      return state.SkipWithError("wrong checksum");
    }
  }
  const std::size_t count = batch->size();
  if (count != (packet.size() - tcp_headers + size - tcp_headers - 1) / (size - tcp_headers)) {
    return state.SkipWithError("wrong number of segments");
  }
  measure(state, count, packet.size(), [&] { benchmark::DoNotOptimize(cut()); });
}
void segment(benchmark::State& state) {
  segment_as(state, false);
}
BENCHMARK(segment)->Arg(576)->Arg(1280)->Arg(1480);
void segment_unfinished(benchmark::State& state) {
  segment_as(state, true);
}
BENCHMARK(segment_unfinished)->Arg(576)->Arg(1280)->Arg(1480);

void finish_checksum(benchmark::State& state) {
  Packet packet = unfinished_tcp_packet(static_cast<std::size_t>(state.range(0)));
  const auto finish = [&] {
    engine::TunPacket read{.offload = {.needs_checksum = true,
                                       .checksum_start = wire::ipv6_header_size,
                                       .checksum_offset = wire::tcp::checksum_offset},
                           .bytes = packet};
    return engine::finish_checksum(read);
  };
  if (!finish() || packet != tcp_packet(packet.size())) return state.SkipWithError("wrong checksum");
  measure(state, 1, packet.size(), [&] { benchmark::DoNotOptimize(finish()); });
}
BENCHMARK(finish_checksum)->Arg(64)->Arg(576)->Arg(1280)->Arg(1480);

}  // namespace
}  // namespace sixin4::bench
