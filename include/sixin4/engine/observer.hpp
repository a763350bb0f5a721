// What the workers tell of every packet to whoever wants to see it.
#pragma once

#include <concepts>
#include <cstdint>
#include <span>

#include "sixin4/engine/packet.hpp"
#include "sixin4/engine/time.hpp"
#include "sixin4/engine/verdict.hpp"
#include "sixin4/wire/bytes.hpp"

namespace sixin4::engine {

/// Numbers packets so that no other worker or direction has the same numbers.
class PacketIds {
 public:
  /// `share` is this worker's of all workers.
  constexpr PacketIds(Share share, Direction direction) noexcept
      : next_(2 * PacketId{share.index} + static_cast<PacketId>(direction)),
        step_(2 * PacketId{share.count}) {}
  [[nodiscard]] constexpr PacketId next() noexcept {
    next_ += step_;
    return next_;
  }

 private:
  PacketId next_;
  PacketId step_;
};

/// Told in the order in which things happen, with bytes as they were then, which are there for the length of
/// the call. All forms of a packet are told within one turn.
template <typename Observer>
concept PacketObserver = requires(Observer& observer, PacketId id, wire::Bytes packet,
                                  std::span<const wire::Bytes> parts, Verdict verdict, Time now) {
  observer.begin(now);                   ///< of a turn: the time of all that follows
  observer.from_tun(id, packet);         ///< an inner packet, as the host has it
  observer.from_wire(id, packet);        ///< an outer packet, as it came
  observer.withdrawn(id);                ///< was told of last, and does not count: it comes once more
  observer.refused(id, verdict);         ///< the last form of a packet that was told of in this turn
  observer.to_wire(id, parts, verdict);  ///< an outer packet has left, or the wire has refused it
  observer.to_tun(id, packet);    ///< the inner packet of what came by the wire, as the host is to get it
  observer.answered(id, packet);  ///< an ICMPv6 error of ours was written to tun
  observer.end();                 ///< of a turn
};

/// Nobody looks.
struct NoObserver {
  constexpr void begin(Time /*now*/) const noexcept {}
  constexpr void from_tun(PacketId /*id*/, wire::Bytes /*packet*/) const noexcept {}
  constexpr void from_wire(PacketId /*id*/, wire::Bytes /*packet*/) const noexcept {}
  constexpr void withdrawn(PacketId /*id*/) const noexcept {}
  constexpr void refused(PacketId /*id*/, Verdict /*verdict*/) const noexcept {}
  constexpr void to_wire(PacketId /*id*/, std::span<const wire::Bytes> /*parts*/,
                         Verdict /*verdict*/) const noexcept {}
  constexpr void to_tun(PacketId /*id*/, wire::Bytes /*packet*/) const noexcept {}
  constexpr void answered(PacketId /*id*/, wire::Bytes /*packet*/) const noexcept {}
  constexpr void end() const noexcept {}
};

}  // namespace sixin4::engine
