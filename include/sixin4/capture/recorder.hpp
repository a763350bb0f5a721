// The flight recorder: keeps the last packets of a worker. docs/lock-free.md describes the protocol.
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

/// A recorded packet. The recorder keeps packets as they arrived (outbound inner packets, inbound outer
/// packets), ICMPv6 errors that were sent to the host, and outer packets that the socket did not accept.
struct Recorded {
  static constexpr std::size_t most_bytes = 96;  ///< room for an IPv4, an IPv6 and a TCP header

  SeenPacket seen{};      ///< without its bytes
  std::uint8_t kept = 0;  ///< number of valid bytes
  std::array<std::uint8_t, most_bytes> bytes{};

  /// The result refers to `bytes` of this object.
  [[nodiscard]] SeenPacket view() const noexcept {
    SeenPacket packet = seen;
    packet.bytes = wire::Bytes{bytes}.first(kept);
    return packet;
  }
};

/// A PacketObserver. One thread writes; any thread may read at any time, without a lock.
class Recorder {
 public:
  /// Keeps the last `packets` packets. The number is rounded up to a power of 2; 0: keeps none.
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

  /// Copies the recorded packets, the oldest first. Leaves out packets that are overwritten during the copy.
  [[nodiscard]] std::vector<Recorded> packets() const;

 private:
  static constexpr std::size_t words = Recorded::most_bytes / sizeof(std::uint64_t);

  /// Two cache lines. All members are atomic words, because a reader may load them while they are written.
  struct alignas(64) Slot {
    std::atomic<std::uint64_t> turn = 0;  ///< 0: empty; odd: being written; else twice the packet's number
    std::atomic<std::uint64_t> id = 0;
    std::atomic<std::int64_t> time = 0;
    std::atomic<std::uint64_t> facts = 0;
    std::array<std::atomic<std::uint64_t>, words> bytes{};
  };
  static_assert(sizeof(Slot) == 128);

  /// `back` is 0 for the last packet, 1 for the packet before it.
  [[nodiscard]] Slot& recent_slot(std::uint64_t back) noexcept {
    return slots_[(next_ - 1 - back) & (slots_.size() - 1)];
  }
  // Bit positions in the word `facts`. The lower 32 bits are the length of the packet.
  static constexpr unsigned verdict_shift = 32;
  static constexpr unsigned kept_shift = 40;
  static constexpr unsigned form_shift = 48;
  static constexpr unsigned direction_shift = 49;
  [[nodiscard]] static constexpr std::uint64_t facts_of(
      Form form, engine::Direction direction, engine::Verdict verdict = engine::Verdict::pass) noexcept {
    return std::uint64_t(verdict) << verdict_shift | std::uint64_t(form) << form_shift |
           std::uint64_t(direction) << direction_shift;
  }
  /// Needs slots. `facts` has neither the length nor the number of kept bytes yet.
  void write(engine::PacketId id, wire::Bytes start, std::size_t length, std::uint64_t facts) noexcept;
  void write_parts(engine::PacketId id, std::span<const wire::Bytes> parts, std::uint64_t facts) noexcept;

  std::vector<Slot> slots_;
  std::uint64_t next_ = 0;  ///< the index of the next slot is this, modulo the number of slots
  std::uint64_t turn_ = 0;  ///< of the last packet; never repeats
  std::int64_t now_ = 0;
};

static_assert(engine::PacketObserver<Recorder>);

}  // namespace sixin4::capture
