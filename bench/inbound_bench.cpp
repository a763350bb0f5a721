// The cost of an inbound packet: a single one, or one that receive offload has merged.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "sixin4/engine/inbound.hpp"
#include "sixin4/engine/outbound.hpp"

#include "bench.hpp"

namespace sixin4::bench {
namespace {

Packet encapsulated(const Packet& packet) {
  auto parameters = near_end();
  parameters.link_mtu = 65535;
  const auto batch = std::make_unique<engine::WireBatch>();
  engine::Encapsulator encapsulator;
  encapsulator.add(parameters, {}, packet, *batch, []() noexcept {});
  return joined(batch->packets().front());
}

void decapsulate(benchmark::State& state) {
  const auto parameters = far_end();
  const Packet packet = tcp_packet(static_cast<std::size_t>(state.range(0)));
  Packet outer = encapsulated(packet);
  const auto inner = engine::decapsulate(parameters, outer);
  if (inner.verdict != engine::Verdict::pass || !std::ranges::equal(inner.packet.bytes, packet) ||
      inner.packet.offload != wire::VnetHeader{}) {
    return state.SkipWithError("wrong inner packet");
  }
  measure(state, 1, packet.size(), [&] { benchmark::DoNotOptimize(engine::decapsulate(parameters, outer)); });
}
BENCHMARK(decapsulate)->Arg(64)->Arg(576)->Arg(1280)->Arg(1480);

void decapsulate_merged(benchmark::State& state) {
  const auto parameters = far_end();
  const Packet packet = unfinished_tcp_packet(static_cast<std::size_t>(state.range(0)));
  Packet outer = encapsulated(packet);
  const auto inner = engine::decapsulate(parameters, outer);
  const std::size_t segments = (packet.size() - tcp_headers + 1419) / 1420;
  const wire::VnetHeader expected{.needs_checksum = true,
                                  .gso = wire::Gso::tcp6,
                                  .header_length = tcp_headers,
                                  .gso_size = 1220,
                                  .checksum_start = wire::ipv6_header_size,
                                  .checksum_offset = wire::tcp::checksum_offset};
  if (inner.verdict != engine::Verdict::pass || !std::ranges::equal(inner.packet.bytes, packet) ||
      inner.packet.offload != expected || inner.packets != segments) {
    return state.SkipWithError("wrong inner packet");
  }
  measure(state, 1, packet.size(), [&] { benchmark::DoNotOptimize(engine::decapsulate(parameters, outer)); });
}
BENCHMARK(decapsulate_merged)->Arg(2900)->Arg(65515);

}  // namespace
}  // namespace sixin4::bench
