// Counters of an endpoint. Each has one writer, its worker, and any number of readers.
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdint>

#include "sixin4/engine/packet.hpp"
#include "sixin4/engine/time.hpp"
#include "sixin4/engine/verdict.hpp"

namespace sixin4::engine {

class Counter {
 public:
  /// A plain load and store suffice for one writer.
  void add(std::uint64_t amount) noexcept {
    value_.store(value_.load(std::memory_order_relaxed) + amount, std::memory_order_relaxed);
  }
  [[nodiscard]] std::uint64_t value() const noexcept { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::uint64_t> value_ = 0;
};

struct DirectionCounters {
  Counter packets;  ///< inner packets on the wire: each segment of a super-packet counts
  Counter bytes;    ///< of those inner packets, IPv6 headers included
  /// ICMPv6 errors written to tun: outbound about refused packets, inbound translated from ICMP errors.
  Counter icmp_errors;
  /// A super-packet that is refused as a whole counts as one. If sending it or writing it to tun fails, each
  /// packet in it counts.
  std::array<Counter, verdict_count> drops;
  /// Packets that the kernel refused with their offload data; each is tried again without.
  std::array<Counter, offload_count> refused_offloads;

  void drop(Verdict reason, std::uint64_t count = 1) noexcept {
    drops[static_cast<std::size_t>(reason)].add(count);
  }
  [[nodiscard]] std::uint64_t dropped(Verdict reason) const noexcept {
    return drops[static_cast<std::size_t>(reason)].value();
  }
  void refuse(Offload offload) noexcept { refused_offloads[static_cast<std::size_t>(offload)].add(1); }
  /// After a few refusals an offload is not tried again, because each costs a system call.
  [[nodiscard]] bool gave_up(Offload offload) const noexcept {
    return refused_offloads[static_cast<std::size_t>(offload)].value() >= few_refusals;
  }
  /// The number of offloads that are not tried again.
  [[nodiscard]] std::size_t given_up() const noexcept {
    return static_cast<std::size_t>(std::ranges::count_if(
        refused_offloads, [](const Counter& refusals) { return refusals.value() >= few_refusals; }));
  }

 private:
  static constexpr std::uint64_t few_refusals = 4;
};

/// Sums over the counters of several workers.
struct DirectionTotals {
  std::uint64_t packets = 0;
  std::uint64_t bytes = 0;
  std::uint64_t icmp_errors = 0;
  std::array<std::uint64_t, verdict_count> drops{};
  std::array<bool, offload_count> gave_up{};  ///< whether any worker gave it up

  void add(const DirectionCounters& counters) noexcept {
    packets += counters.packets.value();
    bytes += counters.bytes.value();
    icmp_errors += counters.icmp_errors.value();
    for (std::size_t i = 0; i < verdict_count; ++i) drops[i] += counters.drops[i].value();
    for (std::size_t i = 0; i < offload_count; ++i) gave_up[i] |= counters.gave_up(static_cast<Offload>(i));
  }

  /// Calls `use(verdict, count)` for each reason with a count above 0.
  template <typename Use>
  void for_each_drop(Use&& use) const {
    for (std::size_t i = 0; i < verdict_count; ++i) {
      if (drops[i] != 0) use(static_cast<Verdict>(i), drops[i]);
    }
  }
};

/// A time with one writer and any number of readers.
class LastTime {
 public:
  void set(Time now) noexcept {
    since_epoch_.store(now.time_since_epoch().count(), std::memory_order_relaxed);
  }
  /// The clock's epoch if `set` was never called.
  [[nodiscard]] Time get() const noexcept {
    return Time{Time::duration{since_epoch_.load(std::memory_order_relaxed)}};
  }

 private:
  std::atomic<Time::rep> since_epoch_ = 0;
};

}  // namespace sixin4::engine
