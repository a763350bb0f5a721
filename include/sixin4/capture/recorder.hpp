// The flight recorder: the last packets of a worker, always at hand.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "sixin4/capture/seen_packet.hpp"
#include "sixin4/engine/observer.hpp"

namespace sixin4::capture {

/// A packet as the recorder has it: what came to this end, an inner packet outward, an outer one inward; and
/// what the wire has refused.
struct Recorded {
  static constexpr std::size_t most_bytes = 96;  ///< IPv4, IPv6 and TCP headers

  SeenPacket seen{};  ///< but for its bytes
  std::uint8_t kept = 0;
  std::array<std::uint8_t, most_bytes> bytes{};

  /// Its bytes are there for as long as this is.
  [[nodiscard]] SeenPacket view() const noexcept {
    SeenPacket packet = seen;
    packet.bytes = wire::Bytes{bytes}.first(kept);
    return packet;
  }
};

/// Written by one thread, read by any other at any time. An observer of packets.
class Recorder {
 public:
  /// Keeps the last `packets`, rounded up to a power of 2; 0: none.
  explicit Recorder(std::uint32_t packets);

  void begin(engine::Time now) noexcept { now_ = now.time_since_epoch().count(); }
  void from_tun(engine::PacketId id, wire::Bytes packet) noexcept {
    if (!slots_.empty()) write(id, packet, packet.size(), facts_of(Form::inner, engine::Direction::out));
  }
  void from_wire(engine::PacketId id, wire::Bytes packet) noexcept {
    if (!slots_.empty())
      write(id, packet, length_of_outer(packet), facts_of(Form::outer, engine::Direction::in));
  }
  void withdrawn(engine::PacketId id) noexcept;
  void refused(engine::PacketId id, engine::Verdict verdict) noexcept;
  void to_wire(engine::PacketId id, std::span<const wire::Bytes> parts, engine::Verdict verdict) noexcept {
    if (verdict != engine::Verdict::pass)
      write_parts(id, parts, facts_of(Form::outer, engine::Direction::out, verdict));
  }
  void to_tun(engine::PacketId /*id*/, wire::Bytes /*packet*/) noexcept {}
  void answered(engine::PacketId id, wire::Bytes packet) noexcept {
    if (!slots_.empty()) write(id, packet, packet.size(), facts_of(Form::inner, engine::Direction::in));
  }
  void end() noexcept {}

  /// What is there, the oldest first. What is overwritten meanwhile is left out.
  [[nodiscard]] std::vector<Recorded> packets() const;

 private:
  static constexpr std::size_t words = Recorded::most_bytes / sizeof(std::uint64_t);

  /// Two cache lines. Words, because a reader may look at them while they are written.
  struct alignas(64) Slot {
    std::atomic<std::uint64_t> turn = 0;  ///< even: the packet's number among all; odd while it is written
    std::atomic<std::uint64_t> id = 0;
    std::atomic<std::int64_t> time = 0;
    std::atomic<std::uint64_t> facts = 0;
    std::array<std::atomic<std::uint64_t>, words> bytes{};
  };
  static_assert(sizeof(Slot) == 128);

  [[nodiscard]] Slot& slot_behind_last(std::uint64_t back) noexcept {
    return slots_[(next_ - 1 - back) & (slots_.size() - 1)];
  }
  // What one word tells of a packet, the length in its lower half.
  static constexpr unsigned verdict_shift = 32;
  static constexpr unsigned kept_shift = 40;
  static constexpr unsigned form_shift = 48;
  static constexpr unsigned direction_shift = 49;
  [[nodiscard]] static constexpr std::uint64_t facts_of(
      Form form, engine::Direction direction, engine::Verdict verdict = engine::Verdict::pass) noexcept {
    return std::uint64_t(verdict) << verdict_shift | std::uint64_t(form) << form_shift |
           std::uint64_t(direction) << direction_shift;
  }
  /// Only where there are slots; `facts` lack the length and what is kept.
  void write(engine::PacketId id, wire::Bytes start, std::size_t length, std::uint64_t facts) noexcept;
  void write_parts(engine::PacketId id, std::span<const wire::Bytes> parts, std::uint64_t facts) noexcept;

  std::vector<Slot> slots_;
  std::uint64_t next_ = 0;  ///< slot, counted on and on
  std::uint64_t turn_ = 0;  ///< of the last packet; never the same again
  std::int64_t now_ = 0;
};

static_assert(engine::PacketObserver<Recorder>);

}  // namespace sixin4::capture
