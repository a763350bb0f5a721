// The interface by which workers report every packet to captures and recorders.
#pragma once

#include <concepts>
#include <cstdint>
#include <span>

#include "sixin4/engine/packet.hpp"
#include "sixin4/engine/time.hpp"
#include "sixin4/engine/verdict.hpp"
#include "sixin4/wire/bytes.hpp"

namespace sixin4::engine {

/// Numbers packets uniquely among all workers and both directions.
class PacketIds {
 public:
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

/// Called in the order of events, with the bytes at that moment, valid during the call. All forms of a packet
/// are reported within one turn.
template <typename Observer>
concept PacketObserver = requires(Observer& observer, PacketId id, wire::Bytes packet,
                                  std::span<const wire::Bytes> parts, Verdict verdict, Time now) {
  observer.begin(now);                   ///< a turn begins; `now` is the time of its events
  observer.from_tun(id, packet);         ///< an inner packet as the host sent it
  observer.from_wire(id, packet);        ///< an outer packet as it arrived
  observer.withdrawn(id);                ///< cancels `from_wire`: the packet is left to the other socket
  observer.refused(id, verdict);         ///< the verdict on the latest form of a packet of this turn
  observer.to_wire(id, parts, verdict);  ///< an outer packet was sent (pass), or dropped on sending
  observer.to_tun(id, packet);           ///< an inner packet before it is written to tun
  observer.answered(id, packet);         ///< an ICMPv6 error of ours was written to tun
  observer.end();                        ///< the turn ends
};

/// Ignores every report.
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
