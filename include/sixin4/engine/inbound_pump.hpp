// The inbound worker: moves what comes from the wire to the tun device, one batch a turn. The ends are
// concepts, as those of the outbound worker are.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <utility>

#include "sixin4/engine/counters.hpp"
#include "sixin4/engine/error_replies.hpp"
#include "sixin4/engine/inbound.hpp"
#include "sixin4/engine/packet.hpp"
#include "sixin4/engine/parameters.hpp"
#include "sixin4/engine/segment.hpp"
#include "sixin4/engine/wire_error.hpp"

namespace sixin4::engine {

template <WireSource Wire, TunSink Tun>
class InboundPump {
 public:
  InboundPump(Wire& wire, Tun& tun, DirectionCounters& counters, LastTime& last_heard) noexcept
      : wire_(wire), tun_(tun), counters_(counters), last_heard_(last_heard), replies_(tun, counters) {}

  /// Receives one batch and hands it to the device, and takes some of the ICMP errors that wait: where more
  /// are left, polling the wire does not wait. Returns how the device was left where it is gone, else how
  /// the wire was: ok where it may hold more packets.
  IoStatus turn(const TunnelParameters& parameters, Time now) noexcept {
    const ReceiveResult received = wire_.receive();
    if (received.lost != 0) counters_.drop(Verdict::wire_overflow, received.lost);
    bool heard = false;
    for (const WirePacket& packet : received.packets) {
      const Decapsulated inner = decapsulate(parameters, packet.bytes, packet.offload);
      if (inner.taken_elsewhere) continue;
      if (inner.verdict != Verdict::pass) {
        counters_.drop(inner.verdict);
        continue;
      }
      heard = true;
      const IoStatus written = write(inner.packet);
      if (written == IoStatus::gone) return written;
      count(inner, written);
    }
    if (heard) last_heard_.set(now);
    // Where packets never stop coming, errors have their turn too.
    if (received.status == IoStatus::empty || ++busy_turns_ % busy_turns_between_errors == 0) {
      take_errors(parameters, now);
    }
    return received.status;
  }

  /// The smallest path MTU that routers have told of since the last call.
  [[nodiscard]] std::optional<std::uint16_t> take_path_mtu() noexcept {
    return std::exchange(path_mtu_, std::nullopt);
  }

 private:
  void take_errors(const TunnelParameters& parameters, Time now) noexcept {
    for (int count = 0; count < errors_a_turn; ++count) {
      const std::optional<WireError> error = wire_.next_error();
      if (!error) return;
      const Translated translated = translate(parameters, *error);
      if (!translated.ours) {
        counters_.drop(Verdict::icmp_mismatch);
        continue;
      }
      if (translated.path_mtu) path_mtu_ = std::min(*translated.path_mtu, path_mtu_.value_or(0xffff));
      const bool told = translated.answer && replies_.send(parameters, translated.answer->offending,
                                                           translated.answer->error, now);
      if (!translated.path_mtu && !told) counters_.drop(Verdict::icmp_ignored);
    }
  }

  IoStatus write(const TunPacket& packet) noexcept {
    const IoStatus written = tun_.write(packet.offload, packet.bytes);
    if (written != IoStatus::error || packet.offload.gso != wire::Gso::udp) return written;
    // Linux before 6.2 takes no UDP super-packet.
    const auto segments = Segments::of(packet);
    return segments ? write_each(*segments) : written;
  }

  IoStatus write_each(const Segments& segments) noexcept {
    IoStatus written = IoStatus::ok;
    for (std::size_t index = 0; index < segments.count() && written == IoStatus::ok; ++index) {
      const wire::Bytes payload = segments.payload(index);
      const auto datagram = std::span{datagram_}.first(segments.header_length() + payload.size());
      segments.write_headers(index, datagram.first(segments.header_length()));
      std::ranges::copy(payload, datagram.subspan(segments.header_length()).begin());
      written = tun_.write({}, datagram);
    }
    return written;
  }

  void count(const Decapsulated& inner, IoStatus written) noexcept {
    switch (written) {
      case IoStatus::ok:
        counters_.packets.add(inner.packets);
        counters_.bytes.add(inner.wire_bytes);
        break;
      case IoStatus::full:
        counters_.drop(Verdict::tun_full);
        break;
      case IoStatus::down:
        counters_.drop(Verdict::tun_down);
        break;
      default:
        counters_.drop(Verdict::tun_error);
        break;
    }
  }

  static constexpr int errors_a_turn = 32;
  static constexpr unsigned busy_turns_between_errors = 16;

  Wire& wire_;
  Tun& tun_;
  DirectionCounters& counters_;
  LastTime& last_heard_;
  ErrorReplies<Tun> replies_;
  std::optional<std::uint16_t> path_mtu_;
  unsigned busy_turns_ = 0;
  std::array<std::uint8_t, wire::ipv6_header_size + 65535> datagram_{};
};

}  // namespace sixin4::engine
