// Joins consecutive packets of a received batch into super-packets, as the kernel's receive offload does
// (net/ipv4/tcp_offload.c, udp_offload.c), because the tun device takes a super-packet in one write.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <optional>
#include <span>

#include "sixin4/engine/inbound.hpp"
#include "sixin4/engine/packet.hpp"
#include "sixin4/wire/transport.hpp"

namespace sixin4::engine {

/// One write to tun: a packet as it came, or several joined.
struct Coalesced {
  TunPacket packet{};  ///< the first packet; its headers and offload data are those of the whole
  std::span<const wire::Bytes> parts{};  ///< the first packet, then the payloads of the others
  std::uint32_t packets = 0;             ///< inner packets that came on the wire
  std::uint32_t wire_bytes = 0;          ///< bytes of those inner packets
  std::span<const PacketId> ids{};       ///< one for each part
};

/// Keeps one open run of packets for each flow until the batch ends. Packets of a flow stay in order. A
/// fragment, or a packet without ports, may belong to any flow between its two addresses, so it overtakes
/// none of them.
///
/// Borrows packets until they are written. The headers of a run's first packet are changed in place.
class Coalescer {
 public:
  static constexpr std::size_t max_runs = 16;

  explicit Coalescer(bool joins_udp) noexcept : joins_udp_(joins_udp) {
    std::iota(order_.begin(), order_.end(), std::size_t{0});
  }

  /// Stops joining packets of this kind. No effect for `checksum`.
  void keep_apart(Offload kind) noexcept {
    if (kind == Offload::tcp) joins_tcp_ = false;
    if (kind == Offload::udp) joins_udp_ = false;
  }

  /// Takes a packet whose verdict is pass. Calls `write` for each run that the packet ends, and for the
  /// packet itself if it neither joins nor opens a run.
  template <typename Write>
  void add(const Decapsulated& inner, Write&& write) noexcept {
    const std::optional<Headers> headers = headers_of(inner.packet.bytes);
    for (std::size_t at = 0; at < open_;) {
      Run& run = runs_[order_[at]];
      if (!concerns(run, inner.packet.bytes, headers)) {
        ++at;
        continue;
      }
      const bool joined = headers && join(run, inner, *headers);
      if (joined && !run.complete) return;
      close(at, write);
      if (joined) return;
    }
    if (headers && (headers->flags & ending_flags) == 0 && may_join(inner.packet, *headers)) {
      if (open_ == max_runs) close(0, write);
      open(inner, *headers);
    } else {
      const wire::Bytes part = inner.packet.bytes;
      write(Coalesced{.packet = inner.packet,
                      .parts = {&part, 1},
                      .packets = inner.packets,
                      .wire_bytes = inner.wire_bytes,
                      .ids = {&inner.id, 1}});
    }
  }

  /// Writes all open runs, at the end of a batch.
  template <typename Write>
  void close_all(Write&& write) noexcept {
    while (open_ != 0) close(0, write);
  }

 private:
  static constexpr unsigned ending_flags = unsigned{wire::tcp::flag_psh} | wire::tcp::flag_fin;

  /// The headers of a packet with TCP or UDP directly after the IPv6 header. UDP has no flags and no
  /// sequence.
  struct Headers {
    std::uint8_t protocol = 0;
    std::uint8_t flags = 0;
    std::uint32_t sequence = 0;
    std::size_t length = 0;  ///< of all headers
  };

  struct Run {
    Coalesced whole{};
    Headers headers{};           ///< of the first packet
    std::size_t gso_size = 0;    ///< payload of a segment; only the last one may have less
    bool sizes_unknown = false;  ///< the first packet is merged TCP: a packet of any size may join
    std::size_t payload = 0;     ///< bytes of payload in all parts
    std::size_t count = 0;       ///< number of parts
    std::uint8_t endings = 0;    ///< PSH and FIN of the last packet; `finish` sets them in the whole
    bool verified = false;       ///< the checksums of all packets in the run have been verified
    bool complete = false;       ///< no further packet may join
    std::array<wire::Bytes, max_tun_parts> parts{};
    std::array<PacketId, max_tun_parts> ids{};
  };

  [[nodiscard]] static std::optional<Headers> headers_of(wire::Bytes packet) noexcept;
  /// Whether the packet belongs, or may belong, to the flow of the run, so that it must not overtake the run.
  [[nodiscard]] static bool concerns(const Run& run, wire::Bytes packet,
                                     const std::optional<Headers>& headers) noexcept;
  [[nodiscard]] bool may_join(const TunPacket& packet, const Headers& headers) const noexcept;
  void open(const Decapsulated& inner, const Headers& headers) noexcept;
  /// Adds the packet to the run if it continues the run; else returns false.
  [[nodiscard]] bool join(Run& run, const Decapsulated& inner, const Headers& headers) const noexcept;
  /// Changes the headers of the first packet to those of the whole.
  static void finish(Run& run) noexcept;

  template <typename Write>
  void close(std::size_t at, Write& write) noexcept {
    const std::span rest = std::span{order_}.subspan(at, open_ - at);
    Run& run = runs_[rest.front()];
    std::rotate(rest.begin(), rest.begin() + 1, rest.end());
    --open_;
    if (run.count > 1) finish(run);
    run.whole.parts = std::span{run.parts}.first(run.count);
    run.whole.ids = std::span{run.ids}.first(run.count);
    write(run.whole);
  }

  bool joins_tcp_ = true;
  bool joins_udp_;
  std::size_t open_ = 0;
  std::array<std::size_t, max_runs> order_{};  ///< indices of runs_: the open ones by age, then the others
  std::array<Run, max_runs> runs_{};
};

}  // namespace sixin4::engine
