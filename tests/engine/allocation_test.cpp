// The pumps allocate nothing after their first turn.
#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <new>
#include <span>
#include <vector>

#include <gtest/gtest.h>

#include "sixin4/engine/inbound_pump.hpp"
#include "sixin4/engine/outbound_pump.hpp"

#include "packets.hpp"

namespace {

std::atomic<std::size_t> allocations = 0;

void* counted(std::size_t size) {
  allocations.fetch_add(1, std::memory_order_relaxed);
  if (void* memory = std::malloc(size == 0 ? 1 : size)) return memory;
  throw std::bad_alloc{};
}

}  // namespace

// The array forms of operator new call these. The nothrow form does, too, except under AddressSanitizer.
void* operator new(std::size_t size) {
  return counted(size);
}
void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
  try {
    return counted(size);
  } catch (const std::bad_alloc&) {
    return nullptr;
  }
}
void operator delete(void* memory) noexcept {
  std::free(memory);
}
void operator delete(void* memory, std::size_t) noexcept {
  std::free(memory);
}

namespace sixin4::engine {
namespace {

using namespace test;

/// A tun device that delivers the same packets every turn, and discards what is written.
class RepeatingTun {
 public:
  explicit RepeatingTun(std::vector<TunFrame> frames) : frames_(std::move(frames)) {}

  ReadResult read(wire::MutableBytes buffer) noexcept {
    if (next_ == frames_.size()) {
      next_ = 0;
      return {.status = IoStatus::empty};
    }
    const TunFrame& frame = frames_[next_++];
    const wire::MutableBytes bytes = buffer.subspan(wire::vnet_header_size, frame.bytes.size());
    std::ranges::copy(frame.bytes, bytes.begin());
    return {.status = IoStatus::ok, .packet = {.offload = frame.offload, .bytes = bytes}};
  }
  [[nodiscard]] static bool takes(Offload /*offload*/) noexcept { return true; }
  IoStatus write(const wire::VnetHeader& offload, std::span<const wire::Bytes> parts) noexcept {
    if (refuses && offload_asked_by(offload)) return IoStatus::refused;
    for (const wire::Bytes part : parts) bytes_written += part.size();
    ++writes;
    return IoStatus::ok;
  }

  bool refuses = false;  ///< refuse all offload data
  std::size_t bytes_written = 0;
  std::size_t writes = 0;

 private:
  std::vector<TunFrame> frames_;
  std::size_t next_ = 0;
};

/// An IPv4 side that counts sent packets, and delivers the same datagrams every turn.
class RepeatingWire {
 public:
  explicit RepeatingWire(std::vector<Octets> datagrams = {})
      : datagrams_(std::move(datagrams)), slots_(datagrams_) {
    for (Octets& slot : slots_) packets_.push_back({.bytes = slot});
  }
  [[nodiscard]] bool finishes_checksums() const noexcept { return finishing; }
  SendResult send(std::span<const OuterPacket> batch) noexcept {
    if (refuses && batch.front().checksum_start != 0) return {.sent = 0, .status = IoStatus::refused};
    packets_sent += batch.size();
    return {.sent = batch.size()};
  }
  ReceiveResult receive() noexcept {
    for (std::size_t at = 0; at < slots_.size(); ++at) std::ranges::copy(datagrams_[at], slots_[at].begin());
    return {.packets = packets_, .status = IoStatus::ok};
  }
  std::optional<WireError> next_error() noexcept { return std::nullopt; }

  std::size_t packets_sent = 0;
  bool finishing = false;
  bool refuses = false;  ///< the answer of finishes_checksums()

 private:
  std::vector<Octets> datagrams_;
  std::vector<Octets> slots_;  ///< copies, because the engine changes them
  std::vector<WirePacket> packets_;
};

/// Runs turns until the device is empty.
template <typename Turn>
std::size_t allocations_of(int rounds, Turn&& turn) {
  const std::size_t before = allocations.load();
  for (int round = 0; round < rounds; ++round) turn();
  return allocations.load() - before;
}

TEST(Allocation, IsSeenByThisTest) {
  const std::size_t before = allocations.load();
  const auto one = std::make_unique<std::array<int, 100>>();
  EXPECT_NE(one, nullptr);
  EXPECT_EQ(allocations.load() - before, 1U);
}

TEST(Allocation, OutboundTurnsAfterTheFirstAllocateNothing) {
  RepeatingTun tun({{.bytes = packet_of(Udp{.payload = payload_of(100)})},
                    unfinished(Tcp{.payload = payload_of(900)}),
                    super_packet(Tcp{.timestamps = true, .payload = payload_of(60000)}, 300),
                    super_packet(Udp{.payload = payload_of(9000)}, 1200),
                    {.bytes = packet_of(Udp{.payload = payload_of(3000)})},  // answered: Packet Too Big
                    {.bytes = Octets(50, 0)}});
  RepeatingWire wire;
  DirectionCounters counters;
  TunnelParameters parameters = near_parameters();
  parameters.link_mtu = 1280;  // so that some packets are fragmented
  const auto pump = std::make_unique<OutboundPump<RepeatingTun, RepeatingWire>>(tun, wire, counters);
  Time now{std::chrono::hours{1}};
  const auto turn = [&] {
    now += std::chrono::seconds{1};
    while (pump->turn(parameters, now) == IoStatus::ok) {
    }
  };
  turn();
  const std::size_t first = wire.packets_sent;
  EXPECT_EQ(allocations_of(100, turn), 0U);
  wire.finishing = true;
  EXPECT_EQ(allocations_of(100, turn), 0U);
  EXPECT_EQ(wire.packets_sent, 201 * first);
  EXPECT_GT(first, 200U);
  EXPECT_EQ(tun.bytes_written, 201U * 1280);
}

TEST(Allocation, InboundTurnsAfterTheFirstAllocateNothing) {
  const Tcp merged{.payload = payload_of(60000), .source = far_host, .destination = near_host};
  const Udp small{.payload = payload_of(100), .source = far_host, .destination = near_host};
  RepeatingWire wire({outer_packet(packet_of(small)), outer_packet(unfinished(merged).bytes),
                      outer_packet(packet_of(small), {.source = "203.0.113.1"}),
                      outer_packet(packet_of(small))});
  RepeatingTun tun({});
  DirectionCounters counters;
  LastTime last_heard;
  const TunnelParameters parameters = near_parameters();
  InboundPump<RepeatingWire, RepeatingTun> pump(wire, tun, counters, last_heard);
  const auto turn = [&] { EXPECT_EQ(pump.turn(parameters, Time{}), IoStatus::ok); };
  turn();
  EXPECT_EQ(allocations_of(100, turn), 0U);
  EXPECT_EQ(tun.writes, 101U * 2);
  EXPECT_EQ(tun.bytes_written, 101U * (148 + 100 + 60060));
  EXPECT_EQ(counters.dropped(Verdict::outer_source_mismatch), 101U);
}

TEST(Allocation, WhatRefusesOffloadDataAllocatesNothing) {
  std::vector<Octets> datagrams;
  for (std::uint32_t number = 0; number < 3; ++number) {
    datagrams.push_back(outer_packet(packet_of(Tcp{.sequence = 1000 + 1000 * number,
                                                   .payload = payload_of(1000),
                                                   .source = far_host,
                                                   .destination = near_host})));
  }
  RepeatingWire wire(datagrams);
  RepeatingTun tun({unfinished(Tcp{.payload = payload_of(900)})});
  tun.refuses = wire.finishing = wire.refuses = true;
  DirectionCounters in;
  DirectionCounters out;
  LastTime last_heard;
  const TunnelParameters parameters = near_parameters();
  const auto inbound = std::make_unique<InboundPump<RepeatingWire, RepeatingTun>>(wire, tun, in, last_heard);
  const auto outbound = std::make_unique<OutboundPump<RepeatingTun, RepeatingWire>>(tun, wire, out);
  const auto turn = [&] {
    EXPECT_EQ(inbound->turn(parameters, Time{}), IoStatus::ok);
    EXPECT_EQ(outbound->turn(parameters, Time{}), IoStatus::empty);
  };
  EXPECT_EQ(allocations_of(10, turn), 0U);
  EXPECT_TRUE(in.gave_up(Offload::tcp));
  EXPECT_TRUE(out.gave_up(Offload::checksum));
  EXPECT_EQ(in.packets.value(), 30U);
  EXPECT_EQ(out.packets.value(), 10U);
}

}  // namespace
}  // namespace sixin4::engine
