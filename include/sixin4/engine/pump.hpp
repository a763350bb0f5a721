// One worker a direction: moves what one end has to the other, one batch a turn. The ends are concepts, so
// that a test puts memory where the program has devices.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <utility>

#include "sixin4/engine/counters.hpp"
#include "sixin4/engine/error_replies.hpp"
#include "sixin4/engine/inbound.hpp"
#include "sixin4/engine/outbound.hpp"
#include "sixin4/engine/packet.hpp"
#include "sixin4/engine/parameters.hpp"
#include "sixin4/engine/segment.hpp"
#include "sixin4/engine/wire_batch.hpp"
#include "sixin4/engine/wire_error.hpp"

namespace sixin4::engine {

template <typename Tun, WireSink Wire>
requires TunSource<Tun> && TunSink<Tun>
class OutboundPump {
 public:
  OutboundPump(Tun& tun, Wire& wire, DirectionCounters& counters) noexcept
      : tun_(tun), wire_(wire), counters_(counters), replies_(tun, counters) {}

  /// Reads until the device is empty or the batch is full, and sends. Returns how the device was left:
  /// ok where it may hold more.
  IoStatus turn(const TunnelParameters& parameters, Time now) noexcept {
    IoStatus status = IoStatus::ok;
    // Small packets lie next to each other in the buffer; a super-packet takes most of it for itself.
    wire::MutableBytes room{reads_};
    while (room.size() >= tun_read_size && batch_.size() < WireBatch::max_packets) {
      ReadResult read = tun_.read(room);
      status = read.status;
      if (status != IoStatus::ok) break;
      const std::size_t used = wire::vnet_header_size + read.packet.bytes.size();
      room = room.subspan(std::min(room.size(), (used + 63) & ~std::size_t{63}));
      take(parameters, read.packet, now);
    }
    flush();
    return status;
  }

 private:
  void take(const TunnelParameters& parameters, TunPacket& packet, Time now) noexcept {
    const Verdict verdict = judge_outbound(parameters, packet);
    if (verdict == Verdict::too_big) {
      (void)replies_.send(parameters, packet.bytes, wire::icmpv6::packet_too_big(parameters.mtu), now);
    } else if (verdict == Verdict::source_not_ours) {
      (void)replies_.send(parameters, packet.bytes,
                          wire::icmpv6::destination_unreachable(wire::icmpv6::code_source_failed_policy),
                          now);
    }
    if (verdict != Verdict::pass) return counters_.drop(verdict);

    if (packet.offload.gso == wire::Gso::none) {
      if (!finish_checksum(packet)) return counters_.drop(Verdict::malformed);
      encapsulator_.add(parameters, {}, packet.bytes, batch_, [this]() noexcept { flush(); });
      return;
    }
    const Segments segments = *Segments::of(packet);
    for (std::size_t index = 0; index < segments.count(); ++index) {
      const wire::MutableBytes headers = std::span{segment_headers_}.first(segments.header_length());
      segments.write_headers(index, headers);
      encapsulator_.add(parameters, headers, segments.payload(index), batch_, [this]() noexcept { flush(); });
    }
  }

  void flush() noexcept {
    std::span<const OuterPacket> rest = batch_.packets();
    while (!rest.empty()) {
      if (fragment_lost_) {
        rest = behind_lost_packet(rest);
        continue;
      }
      const SendResult result = wire_.send(rest);
      for (const OuterPacket& packet : rest.first(result.sent)) count(packet);
      rest = rest.subspan(result.sent);
      if (result.status == IoStatus::ok || rest.empty()) continue;
      counters_.drop(result.status == IoStatus::full ? Verdict::wire_full : Verdict::wire_error);
      fragment_lost_ = true;
    }
    batch_.clear();
  }

  /// One fragment was refused: the others of its packet, perhaps in the next batch, would only be thrown away
  /// by the far end.
  std::span<const OuterPacket> behind_lost_packet(std::span<const OuterPacket> rest) noexcept {
    const auto last =
        std::ranges::find_if(rest, [](const OuterPacket& piece) { return piece.inner_length != 0; });
    if (last == rest.end()) return {};
    fragment_lost_ = false;
    return {last + 1, rest.end()};
  }

  void count(const OuterPacket& packet) noexcept {
    if (packet.inner_length == 0) return;
    counters_.packets.add(1);
    counters_.bytes.add(packet.inner_length);
  }

  // About 0.2 MB: as large as the level 2 cache likes, and room for one super-packet behind another.
  static constexpr std::size_t read_buffer_size = 3 * tun_read_size;

  Tun& tun_;
  Wire& wire_;
  DirectionCounters& counters_;
  ErrorReplies<Tun> replies_;
  WireBatch batch_;
  Encapsulator encapsulator_;
  bool fragment_lost_ = false;  ///< what comes next in the batch belongs to a packet that is lost already
  std::array<std::uint8_t, Segments::max_headers> segment_headers_{};
  std::array<std::uint8_t, read_buffer_size> reads_{};
};

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
