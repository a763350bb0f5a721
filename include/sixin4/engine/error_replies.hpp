// ICMPv6 errors on their way back to those who sent what the tunnel could not carry.
#pragma once

#include <optional>
#include <span>

#include "sixin4/engine/counters.hpp"
#include "sixin4/engine/icmp_error.hpp"
#include "sixin4/engine/packet.hpp"
#include "sixin4/engine/parameters.hpp"
#include "sixin4/engine/token_bucket.hpp"

namespace sixin4::engine {

/// Writes them to tun, bounded in rate. For one thread.
template <TunSink Tun>
class ErrorReplies {
 public:
  /// The workers share the rate.
  ErrorReplies(Tun& tun, DirectionCounters& counters, Share share = {}) noexcept
      : tun_(tun), counters_(counters), rate_(per_second / share.count, burst / share.count) {}

  /// The error that was sent, until the next call. Nothing where none was: RFC 4443 §2.4 may forbid an
  /// answer, there may have been too many, and what is lost is lost: the sender tries again. `finish` may
  /// change the error before it is written.
  template <typename Finish>
  [[nodiscard]] std::optional<wire::Bytes> send(const TunnelParameters& parameters, wire::Bytes offending,
                                                const wire::icmpv6::Error& error, Time now,
                                                Finish&& finish) noexcept {
    if (!may_answer(offending, error) || !rate_.take(now)) return std::nullopt;
    const std::size_t length =
        write_icmp_error(packet_, offending, error, wire::Source{parameters.error_source}).size();
    TunPacket answer{.bytes = std::span{packet_}.first(length)};
    finish(answer);
    const wire::Bytes packet = answer.bytes;
    if (tun_.write(answer.offload, std::span{&packet, 1}) != IoStatus::ok) return std::nullopt;
    counters_.icmp_errors.add(1);
    return packet;
  }
  [[nodiscard]] std::optional<wire::Bytes> send(const TunnelParameters& parameters, wire::Bytes offending,
                                                const wire::icmpv6::Error& error, Time now) noexcept {
    return send(parameters, offending, error, now, [](TunPacket&) noexcept {});
  }

 private:
  static constexpr std::uint32_t per_second = 100;
  static constexpr std::uint32_t burst = 100;

  Tun& tun_;
  DirectionCounters& counters_;
  TokenBucket rate_;
  IcmpErrorBuffer packet_{};
};

}  // namespace sixin4::engine
