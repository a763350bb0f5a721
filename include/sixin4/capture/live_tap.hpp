// Copies the packets of a worker into the ring of a capturing program.
#pragma once

#include <cstdint>
#include <span>

#include "sixin4/capture/ring.hpp"
#include "sixin4/engine/observer.hpp"

namespace sixin4::capture {

/// The part of one capture in one worker. A PacketObserver, used by one thread.
class LiveTap {
 public:
  /// `ring` is memory for a `RingWriter`. At most `snap_length` bytes of a packet are kept.
  LiveTap(std::span<std::uint8_t> ring, std::uint32_t snap_length) noexcept
      : ring_(ring), snap_length_(snap_length) {}

  void begin(engine::Time now) noexcept { now_ = now; }
  void from_tun(engine::PacketId id, wire::Bytes packet) noexcept {
    write(id, packet, Form::inner, engine::Direction::out);
  }
  void from_wire(engine::PacketId id, wire::Bytes packet) noexcept {
    const SeenPacket seen{.id = id,
                          .time = now_,
                          .form = Form::outer,
                          .direction = engine::Direction::in,
                          .length = static_cast<std::uint32_t>(length_of_outer(packet))};
    ring_.write(seen, std::span{&packet, 1}, snap_length_);
  }
  void withdrawn(engine::PacketId id) noexcept { ring_.withdraw(id); }
  void refused(engine::PacketId id, engine::Verdict verdict) noexcept { ring_.set_verdict(id, verdict); }
  void to_wire(engine::PacketId id, std::span<const wire::Bytes> parts, engine::Verdict verdict) noexcept {
    write(id, parts, Form::outer, engine::Direction::out, verdict);
  }
  void to_tun(engine::PacketId id, wire::Bytes packet) noexcept {
    write(id, packet, Form::inner, engine::Direction::in);
  }
  void answered(engine::PacketId id, wire::Bytes packet) noexcept {
    write(id, packet, Form::inner, engine::Direction::in);
  }
  void end() noexcept { ring_.publish(); }

 private:
  void write(engine::PacketId id, std::span<const wire::Bytes> parts, Form form, engine::Direction direction,
             engine::Verdict verdict) noexcept {
    ring_.write({.id = id, .time = now_, .form = form, .direction = direction, .verdict = verdict}, parts,
                snap_length_);
  }
  void write(engine::PacketId id, wire::Bytes packet, Form form, engine::Direction direction) noexcept {
    write(id, std::span{&packet, 1}, form, direction, engine::Verdict::pass);
  }

  RingWriter ring_;
  std::uint32_t snap_length_;
  engine::Time now_{};
};

static_assert(engine::PacketObserver<LiveTap>);

}  // namespace sixin4::capture
