// The outbound worker: moves packets from the tun device to the IPv4 side, one batch a turn. The way of a
// packet:
//  1. `read` returns an IPv6 packet, or a super-packet with its offload data.
//  2. judge_outbound() refuses it, or sets its source by the rules and cuts a super-packet into segments.
//  3. A refused packet is counted, and answer_to() chooses the ICMPv6 error for its sender.
//  4. A checksum that the link cannot finish is finished here.
//  5. The encapsulator writes outer headers, or IPv4 fragments, into the batch.
//  6. flush() sends the batch when it is full, and at the end of the turn.
//  7. A packet whose unfinished checksum is refused is sent again, finished.
//  8. A packet that cannot be sent is counted as dropped, and its other fragments are skipped.
//
// The types of both ends are template parameters, so that tests use memory instead of devices and sockets.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <span>

#include "sixin4/engine/counters.hpp"
#include "sixin4/engine/error_replies.hpp"
#include "sixin4/engine/observer.hpp"
#include "sixin4/engine/outbound.hpp"
#include "sixin4/engine/packet.hpp"
#include "sixin4/engine/parameters.hpp"
#include "sixin4/engine/segment.hpp"
#include "sixin4/engine/wire_batch.hpp"
#include "sixin4/wire/ipv4.hpp"

namespace sixin4::engine {

template <typename Tun, WireSink Wire>
requires TunSource<Tun> && TunSink<Tun>
class OutboundPump {
 public:
  OutboundPump(Tun& tun, Wire& wire, DirectionCounters& counters, Share share = {}) noexcept
      : tun_(tun),
        wire_(wire),
        counters_(counters),
        replies_(tun, counters, share),
        encapsulator_(share),
        ids_(share, Direction::out) {}

  /// Reads until the device is empty, or the batch or the read buffer is full, and sends the batch. Returns
  /// the status of the last read: ok if the device may hold more.
  IoStatus turn(const TunnelParameters& parameters, Time now) noexcept {
    NoObserver observer;
    return turn(parameters, now, observer);
  }
  /// The same, and reports every packet to `observer`.
  template <PacketObserver Observer>
  IoStatus turn(const TunnelParameters& parameters, Time now, Observer& observer) noexcept {
    observer.begin(now);
    IoStatus status = IoStatus::ok;
    // Packets lie one after the other in the buffer.
    wire::MutableBytes room{reads_};
    while (room.size() >= tun_read_size && batch_.size() < WireBatch::max_packets) {
      ReadResult read = tun_.read(room);
      status = read.status;
      if (status != IoStatus::ok) break;
      const std::size_t used = wire::vnet_header_size + read.packet.bytes.size();
      room = room.subspan(std::min(room.size(), (used + 63) & ~std::size_t{63}));
      take(parameters, read.packet, now, observer);
    }
    flush(observer);
    observer.end();
    return status;
  }

 private:
  template <PacketObserver Observer>
  void take(const TunnelParameters& parameters, TunPacket& packet, Time now, Observer& observer) noexcept {
    const PacketId id = ids_.next();
    observer.from_tun(id, packet.bytes);
    const auto refuse = [&](Verdict verdict) noexcept {
      observer.refused(id, verdict);
      counters_.drop(verdict);
    };
    std::optional<Segments> segments;
    const Verdict verdict = judge_outbound(parameters, packet, segments, now);
    if (verdict != Verdict::pass) {
      refuse(verdict);
      if (const auto error = answer_to(verdict, parameters.mtu)) {
        const auto answer = replies_.send(parameters, packet.bytes, *error, now);
        if (answer) observer.answered(ids_.next(), *answer);
      }
      return;
    }

    batch_.begin_packet(id);
    const bool link_finishes = wire_.finishes_checksums() && !counters_.gave_up(Offload::checksum);
    const auto send_batch = [&]() noexcept { flush(observer); };
    if (segments) {
      return encapsulator_.add_segments(parameters, *segments, link_finishes, batch_, send_batch);
    }
    // A link sees single fragments, so it cannot finish the checksum of a fragmented packet.
    if (!link_finishes || !fits_link(parameters, packet.bytes.size())) (void)finish_checksum(packet);
    const auto unfinished = checksum_to_finish(packet);
    if (!unfinished) return refuse(Verdict::malformed);
    encapsulator_.add(parameters, {}, packet.bytes, batch_, send_batch, *unfinished);
  }

  template <PacketObserver Observer>
  void flush(Observer& observer) noexcept {
    const auto report = [&observer](const OuterPacket& packet, Verdict verdict) noexcept {
      const std::array<wire::Bytes, 2> parts{packet.head, packet.body};
      observer.to_wire(packet.id, parts, verdict);
    };
    std::span<const OuterPacket> rest = batch_.packets();
    while (!rest.empty()) {
      if (fragment_lost_) {
        rest = after_lost_packet(rest);
        continue;
      }
      const SendResult result = wire_.send(rest);
      for (const OuterPacket& packet : rest.first(result.sent)) {
        count(packet);
        report(packet, Verdict::pass);
      }
      rest = rest.subspan(result.sent);
      if (result.status == IoStatus::ok || rest.empty()) continue;
      IoStatus status = result.status;
      if (status == IoStatus::refused && rest.front().checksum_start != 0) {
        const OuterPacket complete = finished(rest.front());
        status = wire_.send({&complete, 1}).status;
        if (status == IoStatus::ok) {
          count(complete);
          report(complete, Verdict::pass);
          rest = rest.subspan(1);
          continue;
        }
      }
      const Verdict verdict = status == IoStatus::full ? Verdict::wire_full : Verdict::wire_error;
      counters_.drop(verdict);
      report(rest.front(), verdict);
      fragment_lost_ = true;
    }
    batch_.clear();
  }

  /// Returns `packet` with its checksum finished, after the kernel has refused to leave it to the link. The
  /// result is borrowed until the next call.
  OuterPacket finished(const OuterPacket& packet) noexcept {
    counters_.refuse(Offload::checksum);
    const std::size_t length = packet.head.size() + packet.body.size();
    TunPacket whole{.offload = {.needs_checksum = true,
                                .checksum_start = packet.checksum_start,
                                .checksum_offset = packet.checksum_offset},
                    .bytes = std::span{finished_}.first(length)};
    wire::copy(packet.head, whole.bytes);
    wire::copy(packet.body, whole.bytes.subspan(packet.head.size()));
    (void)finish_checksum(whole);
    return {.head = whole.bytes, .body = {}, .inner_length = packet.inner_length, .id = packet.id};
  }

  /// Skips the rest of a packet of which one part was dropped, because the far end would discard the other
  /// fragments. The rest may continue in the next batch.
  std::span<const OuterPacket> after_lost_packet(std::span<const OuterPacket> rest) noexcept {
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

  // About 0.2 MB: fits the level 2 cache, and has room for two super-packets of the largest size.
  static constexpr std::size_t read_buffer_size = 3 * tun_read_size;

  Tun& tun_;
  Wire& wire_;
  DirectionCounters& counters_;
  ErrorReplies<Tun> replies_;
  WireBatch batch_;
  Encapsulator encapsulator_;
  PacketIds ids_;
  bool fragment_lost_ = false;  ///< the next packets, up to a last fragment, are the rest of a dropped packet
  std::array<std::uint8_t, read_buffer_size> reads_{};
  std::array<std::uint8_t, wire::ipv4_max_packet> finished_{};
};

}  // namespace sixin4::engine
