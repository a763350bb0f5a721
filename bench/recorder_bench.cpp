// The cost of the flight recorder per packet, and the additional cost of a running capture.
#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <span>
#include <vector>

#include "sixin4/capture/live_tap.hpp"
#include "sixin4/capture/recorder.hpp"
#include "sixin4/capture/ring.hpp"

#include "bench.hpp"

namespace sixin4::bench {
namespace {

// Packets in a batch. Each has its own buffer, as in a worker.
constexpr std::size_t batch = 32;
constexpr engine::Time now{std::chrono::hours{1}};

std::vector<Packet> packets_of_a_batch(std::size_t size) {
  return std::vector<Packet>(batch, tcp_packet(size));
}

void record(benchmark::State& state) {
  const std::vector<Packet> packets = packets_of_a_batch(static_cast<std::size_t>(state.range(0)));
  capture::Recorder recorder{static_cast<std::uint32_t>(state.range(1))};
  engine::PacketId id = 0;
  measure(state, batch, batch * packets.front().size(), [&] {
    recorder.begin(now);
    for (const Packet& packet : packets) recorder.from_wire(++id, packet);
    recorder.end();
  });
  const auto recorded = recorder.packets();
  const std::size_t expected = std::min<std::size_t>(id, static_cast<std::size_t>(state.range(1)));
  const bool right =
      recorded.size() == expected && std::ranges::all_of(recorded, [&](const capture::Recorded& each) {
        return each.seen.length == packets.front().size() &&
               std::ranges::equal(each.view().bytes, wire::Bytes{packets.front()}.first(each.kept));
      });
  if (!right || (!recorded.empty() && recorded.back().seen.id != id)) {
    state.SkipWithError("the recorder has other packets");
  }
}
BENCHMARK(record)->ArgsProduct({{80, 1300}, {0, 64, 4096}});

/// Captures each packet twice, as an outer and as an inner packet, as a capture of an endpoint does.
void capture_live(benchmark::State& state) {
  const std::vector<Packet> packets = packets_of_a_batch(static_cast<std::size_t>(state.range(0)));
  constexpr std::size_t size = std::size_t{16} << 20U;
  struct alignas(64) Line {
    std::array<std::uint8_t, 64> bytes{};
  };
  std::vector<Line> memory(size / sizeof(Line));
  const std::span bytes{reinterpret_cast<std::uint8_t*>(memory.data()), size};
  const auto tap = std::make_unique<capture::LiveTap>(bytes, 262144U);
  capture::RingReader reader{bytes};
  engine::PacketId id = 0;
  std::uint64_t read = 0;
  measure(state, batch, batch * packets.front().size(), [&] {
    tap->begin(now);
    for (const Packet& packet : packets) {
      tap->from_wire(++id, packet);
      tap->to_tun(id, wire::Bytes{packet}.subspan(1));
    }
    tap->end();
    while (reader.next()) ++read;
    reader.release();
  });
  if (read != 2 * id || reader.lost(capture::Form::outer) != 0) state.SkipWithError("packets are missing");
}
BENCHMARK(capture_live)->Arg(80)->Arg(1300);

}  // namespace
}  // namespace sixin4::bench
