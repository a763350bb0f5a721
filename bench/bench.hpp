// Helpers of the micro-benchmarks: packets, plain computations that check results, and a cycle counter.
#pragma once

#include <cstddef>
#include <cstdint>
#include <numeric>
#include <span>
#include <vector>

#include <benchmark/benchmark.h>

#include "sixin4/engine/packet.hpp"
#include "sixin4/engine/parameters.hpp"
#include "sixin4/wire/bytes.hpp"
#include "sixin4/wire/ipv6.hpp"
#include "sixin4/wire/transport.hpp"

namespace sixin4::bench {

using Packet = std::vector<std::uint8_t>;

inline constexpr std::size_t outer_header = 20;
inline constexpr std::size_t tcp_headers = wire::ipv6_header_size + wire::tcp::min_header_size;
inline constexpr wire::Ipv6Address near_host{{0x20, 0x01, 0x0d, 0xb8, 1}};
inline constexpr wire::Ipv6Address far_host{{0x20, 0x01, 0x0d, 0xb8, 2}};

/// The folded sum of RFC 1071, byte by byte.
inline std::uint16_t plain_sum(wire::Bytes bytes, std::uint32_t sum = 0) {
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    sum += i % 2 == 0 ? bytes[i] * 256U : bytes[i];
    sum = (sum & 0xffff) + (sum >> 16U);
  }
  return static_cast<std::uint16_t>(sum);
}

/// The sum over the pseudo-header and the payload of an IPv6 packet: 0xffff if the checksum is right.
inline std::uint16_t plain_transport_sum(wire::Bytes packet, std::uint8_t protocol) {
  const wire::Bytes transport = packet.subspan(wire::ipv6_header_size);
  const auto pseudo = static_cast<std::uint32_t>(transport.size() + protocol);
  return plain_sum(transport, plain_sum(packet.subspan(8, 32), pseudo));
}

/// A TCP packet of `size` bytes whose checksum field holds the pseudo-header sum.
inline Packet unfinished_tcp_packet(std::size_t size) {
  Packet packet(size);
  std::iota(packet.begin(), packet.end(), std::uint8_t{1});
  wire::write_ipv6_header(std::span{packet}.first<wire::ipv6_header_size>(),
                          {.payload_length = static_cast<std::uint16_t>(size - wire::ipv6_header_size),
                           .next_header = wire::next_header::tcp,
                           .hop_limit = 64,
                           .source = {near_host},
                           .destination = {far_host}});
  packet[wire::ipv6_header_size + 12] = 5 << 4;
  packet[wire::ipv6_header_size + 13] = 0x10;
  const wire::Bytes addresses = wire::Bytes{packet}.subspan(8, 32);
  const auto length = static_cast<std::uint32_t>(size - wire::ipv6_header_size);
  wire::store16<0>(std::span{packet}.subspan(wire::ipv6_header_size + wire::tcp::checksum_offset).first<2>(),
                   plain_sum(addresses, length + wire::next_header::tcp));
  return packet;
}

/// A TCP packet of `size` bytes with a complete checksum.
inline Packet tcp_packet(std::size_t size) {
  Packet packet = unfinished_tcp_packet(size);
  const auto sum = plain_sum(wire::Bytes{packet}.subspan(wire::ipv6_header_size));
  wire::store16<0>(std::span{packet}.subspan(wire::ipv6_header_size + wire::tcp::checksum_offset).first<2>(),
                   static_cast<std::uint16_t>(~unsigned{sum}));
  return packet;
}

inline engine::TunnelParameters near_end() {
  engine::TunnelParameters result;
  result.local = {{192, 0, 2, 1}};
  result.remote = {{192, 0, 2, 2}};
  result.mtu = 1480;
  result.link_mtu = 1500;
  result.ours = {{.address = near_host, .length = 40}};
  return result;
}
inline engine::TunnelParameters far_end() {
  engine::TunnelParameters result = near_end();
  std::swap(result.local, result.remote);
  result.ours = {{.address = far_host, .length = 40}};
  return result;
}

/// Head and body in one buffer.
inline Packet joined(const engine::OuterPacket& packet) {
  Packet bytes(packet.head.begin(), packet.head.end());
  bytes.insert(bytes.end(), packet.body.begin(), packet.body.end());
  return bytes;
}

/// A counter with a constant rate, on x86 the nominal frequency of the processor. It also counts while other
/// programs run on the processor. 0 on other architectures than x86-64 and AArch64.
inline std::uint64_t ticks() {
#if defined(__x86_64__)
  return __builtin_ia32_rdtsc();
#elif defined(__aarch64__)
  std::uint64_t count = 0;
  asm volatile("mrs %0, cntvct_el0" : "=r"(count));
  return count;
#else
  return 0;
#endif
}

/// Measures `work`, one call of which handles `packets` packets of `bytes` bytes in total.
template <typename Work>
void measure(benchmark::State& state, std::size_t packets, std::size_t bytes, Work&& work) {
  const std::uint64_t start = ticks();
  for (auto _ : state) work();
  const auto took = static_cast<double>(ticks() - start);
  state.counters["per_packet"] =
      benchmark::Counter(static_cast<double>(packets),
                         benchmark::Counter::kIsIterationInvariantRate | benchmark::Counter::kInvert);
  state.counters["cycles_per_byte"] =
      took / (static_cast<double>(state.iterations()) * static_cast<double>(bytes));
}

}  // namespace sixin4::bench
