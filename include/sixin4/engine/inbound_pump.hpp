// The inbound worker: moves packets from the IPv4 side to the tun device, one batch a turn. The way of a
// packet:
//  1. `receive` returns a batch of IPv4 packets; receive offload may have merged some.
//  2. decapsulate() checks both headers and returns the inner packet, or a reason to refuse it.
//  3. restore_destination() undoes the address translation of source rules.
//  4. Coalescer::add() joins it to the open run of its flow, or begins one.
//  5. A complete run goes to write(); at the end of the batch every run does.
//  6. write() hands it to tun in one call, with its offload data.
//  7. If tun refuses the offload data, write_complete() cuts the packet or finishes its checksum and writes
//     again.
//  8. count() counts the packets of the write as written or as dropped.
//  9. take_errors() turns ICMP errors of the IPv4 side into ICMPv6 errors for the senders.
//
// The types of both ends are template parameters, so that tests use memory instead of devices and sockets.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <utility>

#include "sixin4/engine/coalesce.hpp"
#include "sixin4/engine/counters.hpp"
#include "sixin4/engine/error_replies.hpp"
#include "sixin4/engine/inbound.hpp"
#include "sixin4/engine/observer.hpp"
#include "sixin4/engine/packet.hpp"
#include "sixin4/engine/parameters.hpp"
#include "sixin4/engine/segment.hpp"
#include "sixin4/engine/source_translation.hpp"
#include "sixin4/engine/wire_error.hpp"
#include "sixin4/wire/ipv6.hpp"

namespace sixin4::engine {

template <WireSource Wire, TunSink Tun>
class InboundPump {
 public:
  InboundPump(Wire& wire, Tun& tun, DirectionCounters& counters, LastTime& last_heard,
              Share share = {}) noexcept
      : wire_(wire),
        tun_(tun),
        counters_(counters),
        last_heard_(last_heard),
        replies_(tun, counters),  // the first worker receives all errors, so it has the whole rate
        coalescer_(tun.takes(Offload::udp)),
        ids_(share, Direction::in) {
    if (!tun.takes(Offload::tcp)) coalescer_.keep_apart(Offload::tcp);
  }

  /// Receives one batch, writes it to tun, and takes a limited number of ICMP errors; while more are left,
  /// polling the wire does not block. Returns `gone` if the device is gone, else the status of the wire: ok
  /// if it may hold more packets.
  IoStatus turn(const TunnelParameters& parameters, Time now) noexcept {
    NoObserver observer;
    return turn(parameters, now, observer);
  }
  /// The same, and reports every packet to `observer`.
  template <PacketObserver Observer>
  IoStatus turn(const TunnelParameters& parameters, Time now, Observer& observer) noexcept {
    observer.begin(now);
    const IoStatus status = take_batch(parameters, now, observer);
    observer.end();
    return status;
  }

  /// The smallest path MTU that routers have reported since the last call; empty if none has.
  [[nodiscard]] std::optional<std::uint16_t> take_path_mtu() noexcept {
    return std::exchange(path_mtu_, std::nullopt);
  }

 private:
  template <PacketObserver Observer>
  IoStatus take_batch(const TunnelParameters& parameters, Time now, Observer& observer) noexcept {
    const ReceiveResult received = wire_.receive();
    if (received.lost != 0) counters_.drop(Verdict::wire_overflow, received.lost);
    bool heard = false;
    IoStatus device = IoStatus::ok;
    const auto write_coalesced = [&](const Coalesced& packet) noexcept {
      if (device != IoStatus::gone) device = write(packet, observer);
    };
    for (const WirePacket& packet : received.packets) {
      const PacketId id = ids_.next();
      observer.from_wire(id, packet.bytes);
      Decapsulated inner = decapsulate(parameters, packet.bytes, packet.offload);
      if (inner.taken_elsewhere) {
        observer.withdrawn(id);
        continue;
      }
      if (inner.verdict != Verdict::pass) {
        observer.refused(id, inner.verdict);
        counters_.drop(inner.verdict);
        continue;
      }
      heard = true;
      restore_destination(parameters, inner.packet, now);
      inner.id = id;
      observer.to_tun(id, inner.packet.bytes);
      coalescer_.add(inner, write_coalesced);
    }
    coalescer_.close_all(write_coalesced);
    if (device == IoStatus::gone) return device;
    if (heard) last_heard_.set(now);
    // Under constant load errors are taken every few turns.
    if (received.status == IoStatus::empty || ++busy_turns_ % busy_turns_between_errors == 0) {
      take_errors(parameters, now, observer);
    }
    return received.status;
  }

  template <PacketObserver Observer>
  void take_errors(const TunnelParameters& parameters, Time now, Observer& observer) noexcept {
    for (int count = 0; count < errors_a_turn; ++count) {
      const std::optional<WireError> error = wire_.next_error();
      if (!error) return;
      const Translated translated = translate(parameters, *error);
      if (!translated.ours) {
        counters_.drop(Verdict::icmp_mismatch);
        continue;
      }
      if (translated.path_mtu) path_mtu_ = std::min(*translated.path_mtu, path_mtu_.value_or(0xffff));
      const auto to_sender = [&](TunPacket& answer) noexcept {
        restore_destination(parameters, answer, now);
      };
      std::optional<wire::Bytes> sent;
      if (translated.answer) {
        sent =
            replies_.send(parameters, translated.answer->offending, translated.answer->error, now, to_sender);
      }
      if (sent) observer.answered(ids_.next(), *sent);
      if (!translated.path_mtu && !sent) counters_.drop(Verdict::icmp_ignored);
    }
  }

  template <PacketObserver Observer>
  IoStatus write(const Coalesced& packet, Observer& observer) noexcept {
    const std::optional<Offload> asked = offload_asked_by(packet.packet.offload);
    if (asked && !tries(*asked)) return write_complete(packet, observer);
    const IoStatus written = tun_.write(packet.packet.offload, packet.parts);
    if (asked && written == IoStatus::refused) {
      counters_.refuse(*asked);
      if (!tries(*asked)) coalescer_.keep_apart(*asked);
      return write_complete(packet, observer);
    }
    count(written, packet.packets, packet.wire_bytes, packet.ids, observer);
    return written;
  }

  [[nodiscard]] bool tries(Offload offload) const noexcept {
    return tun_.takes(offload) && !counters_.gave_up(offload);
  }

  /// Cuts the packet, or finishes its checksum, for a device that does not take its offload data.
  template <PacketObserver Observer>
  IoStatus write_complete(const Coalesced& packet, Observer& observer) noexcept {
    TunPacket whole = in_one_part(packet);
    if (whole.offload.gso != wire::Gso::none) return write_segments(packet, Segments::of(whole), observer);
    (void)finish_checksum(whole);
    const wire::Bytes part = whole.bytes;
    const IoStatus written = tun_.write({}, {&part, 1});
    count(written, packet.packets, packet.wire_bytes, packet.ids, observer);
    return written;
  }

  /// Copies the parts together. This is rare, because the coalescer stops joining for an offload that was
  /// given up.
  TunPacket in_one_part(const Coalesced& packet) noexcept {
    if (packet.parts.size() == 1) return packet.packet;
    std::size_t length = 0;
    for (const wire::Bytes part : packet.parts) {
      wire::copy(part, std::span{joined_}.subspan(length, part.size()));
      length += part.size();
    }
    return {.offload = packet.packet.offload, .bytes = std::span{joined_}.first(length)};
  }

  template <PacketObserver Observer>
  IoStatus write_segments(const Coalesced& packet, const std::optional<Segments>& segments,
                          Observer& observer) noexcept {
    if (!segments) {
      count(IoStatus::error, packet.packets, packet.wire_bytes, packet.ids, observer);
      return IoStatus::error;
    }
    const auto headers = std::span{segment_headers_}.first(segments->header_length());
    std::uint32_t passed = 0;
    std::size_t passed_bytes = 0;
    IoStatus written = IoStatus::ok;
    for (std::size_t index = 0; index < segments->count() && written != IoStatus::gone; ++index) {
      segments->write_headers(index, headers);
      const std::array<wire::Bytes, 2> parts{headers, segments->payload(index)};
      written = tun_.write({}, parts);
      const std::size_t length = parts[0].size() + parts[1].size();
      if (written == IoStatus::ok) {
        ++passed;
        passed_bytes += length;
      } else {
        count(written, 1, length, packet.ids, observer);
      }
    }
    // Segments may differ from the received packets, so count the received packets if all segments were
    // written.
    const bool all = passed == segments->count();
    count(IoStatus::ok, all ? packet.packets : passed, all ? packet.wire_bytes : passed_bytes, packet.ids,
          observer);
    return written;
  }

  /// `ids` are those of the received packets, `packets` is their number before receive offload merged them.
  template <PacketObserver Observer>
  void count(IoStatus written, std::uint32_t packets, std::size_t wire_bytes, std::span<const PacketId> ids,
             Observer& observer) noexcept {
    if (written == IoStatus::gone) return;
    if (written == IoStatus::ok) {
      counters_.packets.add(packets);
      counters_.bytes.add(wire_bytes);
      return;
    }
    const Verdict verdict = written == IoStatus::full   ? Verdict::tun_full
                            : written == IoStatus::down ? Verdict::tun_down
                                                        : Verdict::tun_error;
    counters_.drop(verdict, packets);
    for (const PacketId id : ids) observer.refused(id, verdict);
  }

  static constexpr int errors_a_turn = 32;
  static constexpr unsigned busy_turns_between_errors = 16;

  Wire& wire_;
  Tun& tun_;
  DirectionCounters& counters_;
  LastTime& last_heard_;
  ErrorReplies<Tun> replies_;
  Coalescer coalescer_;
  std::optional<std::uint16_t> path_mtu_;
  unsigned busy_turns_ = 0;
  PacketIds ids_;
  std::array<std::uint8_t, Segments::max_headers> segment_headers_{};
  std::array<std::uint8_t, wire::ipv6_header_size + 0xffff> joined_{};  ///< one packet, from its parts
};

}  // namespace sixin4::engine
