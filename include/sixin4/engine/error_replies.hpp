// Sends ICMPv6 errors to the senders of packets that the tunnel did not carry.
#pragma once

#include <optional>
#include <span>

#include "sixin4/engine/counters.hpp"
#include "sixin4/engine/icmp_error.hpp"
#include "sixin4/engine/packet.hpp"
#include "sixin4/engine/parameters.hpp"
#include "sixin4/engine/token_bucket.hpp"

namespace sixin4::engine {

/// Writes ICMPv6 errors to tun at a bounded rate. For one thread.
template <TunSink Tun>
class ErrorReplies {
 public:
  /// Each worker gets an equal share of the rate.
  ErrorReplies(Tun& tun, DirectionCounters& counters, Share share = {}) noexcept
      : tun_(tun), counters_(counters), rate_(per_second / share.count, burst / share.count) {}

  /// Returns the error, valid until the next call. Empty if none was written, because RFC 4443 §2.4 forbids
  /// one, the rate is used up, or tun did not take it. `finish` may change the error before it is written.
  template <typename Finish = void (*)(TunPacket&) noexcept>
  [[nodiscard]] std::optional<wire::Bytes> send(
      const TunnelParameters& parameters, wire::Bytes offending, const wire::icmpv6::Error& error, Time now,
      Finish finish = [](TunPacket&) noexcept {}) noexcept {
    if (!may_answer(offending, error) || !rate_.take(now)) return std::nullopt;
    const std::size_t length =
        wire::icmpv6::write_icmp_error(packet_, offending, error, wire::Source{parameters.error_source})
            .size();
    TunPacket answer{.bytes = std::span{packet_}.first(length)};
    finish(answer);
    const wire::Bytes packet = answer.bytes;
    if (tun_.write(answer.offload, std::span{&packet, 1}) != IoStatus::ok) return std::nullopt;
    counters_.icmp_errors.add(1);
    return packet;
  }

 private:
  static constexpr std::uint32_t per_second = 100;
  static constexpr std::uint32_t burst = 100;

  Tun& tun_;
  DirectionCounters& counters_;
  TokenBucket rate_;
  wire::icmpv6::ErrorBuffer packet_{};
};

}  // namespace sixin4::engine
