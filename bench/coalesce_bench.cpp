// The cost of coalescing per packet, with all data in cache: runs that are joined, and packets that are not.
// Before the timing each benchmark checks the number of writes and their bytes.
#include <cstdint>
#include <memory>
#include <numeric>
#include <vector>

#include <benchmark/benchmark.h>

#include "sixin4/engine/coalesce.hpp"
#include "sixin4/wire/checksum.hpp"
#include "sixin4/wire/transport.hpp"

namespace {

using namespace sixin4;
using Packet = std::vector<std::uint8_t>;

constexpr std::size_t transport = wire::ipv6_header_size;
constexpr std::size_t batch_size = 64;

/// Packet `number` of a flow: `size` bytes, with a complete checksum.
Packet packet_of(std::uint8_t protocol, std::size_t size, std::size_t number) {
  Packet packet(size);
  std::iota(packet.begin(), packet.end(), static_cast<std::uint8_t>(number));
  const wire::Ipv6Fields fields{.payload_length = static_cast<std::uint16_t>(size - transport),
                                .next_header = protocol,
                                .hop_limit = 64,
                                .source = {{{0x20, 0x01, 0x0d, 0xb8, 1}}},
                                .destination = {{{0x20, 0x01, 0x0d, 0xb8, 2}}}};
  wire::write_ipv6_header(std::span{packet}.first<transport>(), fields);
  const auto upper = std::span{packet}.subspan(transport);
  wire::store32<0>(upper.first<4>(), 0x01bb9c40);  // ports
  if (protocol == wire::next_header::tcp) {
    const auto tcp = upper.first<wire::tcp::min_header_size>();
    const std::size_t payload = size - transport - wire::tcp::min_header_size;
    wire::tcp::set_sequence_number(tcp, static_cast<std::uint32_t>(number * payload));
    wire::store32<8>(tcp, 1);                              // acknowledgement
    wire::store32<12>(tcp, 5U << 28U | 0x100000U | 512U);  // data offset, ACK, window
    wire::store32<16>(tcp, 0);
  } else if (protocol == wire::next_header::udp) {
    wire::udp::set_length(upper.first<wire::udp::header_size>(), fields.payload_length);
  }
  if (const auto offset = wire::transport_checksum_offset(protocol)) {
    const auto field = upper.subspan(*offset).first<2>();
    wire::store16<0>(field, 0);
    const auto sum =
        wire::pseudo_header_sum(fields.source, fields.destination, fields.payload_length, protocol) +
        wire::sum_of(upper);
    wire::store16<0>(field, sum.transport_checksum());
  }
  return packet;
}

/// The writes of a batch.
struct Outcome {
  std::size_t writes = 0;
  std::size_t packets = 0;
  Packet payload;  ///< of all writes, without the headers
};

/// Coalesces a batch of packets of `protocol` and `size` bytes, the first `headers` of them headers, and
/// expects `writes` writes.
void coalesce(benchmark::State& state, std::uint8_t protocol, std::size_t size, std::size_t headers,
              std::size_t writes) {
  std::vector<Packet> batch;
  Packet payload;
  for (std::size_t number = 0; number < batch_size; ++number) {
    batch.push_back(packet_of(protocol, size, number));
    payload.insert(payload.end(), batch.back().begin() + static_cast<std::ptrdiff_t>(headers),
                   batch.back().end());
  }
  std::vector<Packet> slots = batch;
  const auto coalescer = std::make_unique<engine::Coalescer>(true);
  const auto turn = [&](auto&& write) {
    for (std::size_t number = 0; number < batch_size; ++number) {
      // Coalescing rewrites the headers of the first packet of a run.
      std::copy_n(batch[number].begin(), headers, slots[number].begin());
      coalescer->add({.packet = {.offload = {}, .bytes = slots[number]}}, write);
    }
    coalescer->close_all(write);
  };

  Outcome outcome;
  turn([&](const engine::Coalesced& packet) noexcept {
    ++outcome.writes;
    outcome.packets += packet.packets;
    for (const wire::Bytes part : packet.parts) {
      const bool first = part.data() == packet.parts.front().data();
      const wire::Bytes payload_part = part.subspan(first ? headers : 0);
      outcome.payload.insert(outcome.payload.end(), payload_part.begin(), payload_part.end());
    }
  });
  if (outcome.writes != writes || outcome.packets != batch_size || outcome.payload != payload) {
    return state.SkipWithError("wrong writes");
  }
  for (auto _ : state) {
    turn([](const engine::Coalesced& packet) noexcept { benchmark::DoNotOptimize(packet.parts.size()); });
  }
  state.counters["per_packet"] = benchmark::Counter(
      batch_size, benchmark::Counter::kIsIterationInvariantRate | benchmark::Counter::kInvert);
}

// At most 46 TCP segments of 1420 bytes, or 56 UDP datagrams of 1152 bytes, fit into an IPv6 packet.
BENCHMARK_CAPTURE(coalesce, tcp_of_one_flow, wire::next_header::tcp, 1480, 60, 2);
BENCHMARK_CAPTURE(coalesce, udp_of_one_flow, wire::next_header::udp, 1200, 48, 2);
BENCHMARK_CAPTURE(coalesce, nothing_joins, wire::next_header::icmpv6, 1480, 40, 64);

}  // namespace
