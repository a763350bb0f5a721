// Joins the packets of one received batch that continue each other into super-packets, as the kernel's
// receive offload would have (net/ipv4/tcp_offload.c, udp_offload.c): the tun device takes each in one write.
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

namespace sixin4::engine {

/// What goes to tun in one write: a packet as it came, or several in one.
struct Coalesced {
  TunPacket packet{};  ///< the first one; where others are behind it, with headers and offload data for all
  std::span<const wire::Bytes> parts{};  ///< that packet, and the payloads of the others
  std::uint32_t packets = 0;             ///< how many inner packets it was on the wire
  std::uint32_t wire_bytes = 0;          ///< bytes of those inner packets
  std::span<const PacketId> ids{};       ///< of each part's packet
};

/// Holds open runs of packets, one a flow, until it is told that the batch ends. Within a flow no packet
/// overtakes another. What is fragmented or has no ports to tell its flow by overtakes nothing between the
/// same two addresses.
///
/// Packets are borrowed until they are written. The first of a run is changed in its place.
class Coalescer {
 public:
  static constexpr std::size_t max_runs = 16;

  explicit Coalescer(bool joins_udp) noexcept : joins_udp_(joins_udp) {
    std::iota(order_.begin(), order_.end(), std::size_t{0});
  }

  /// Of this kind no packets are joined from now on.
  void keep_apart(Offload kind) noexcept {
    if (kind == Offload::tcp) joins_tcp_ = false;
    if (kind == Offload::udp) joins_udp_ = false;
  }

  /// Takes a packet that has passed, and calls `write` with each `Coalesced` that nothing can join any more.
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
    if (headers && begins_run(inner.packet, *headers)) {
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

  /// The batch ends: nothing waits for the next one.
  template <typename Write>
  void close_all(Write&& write) noexcept {
    while (open_ != 0) close(0, write);
  }

 private:
  /// Those of a packet with TCP or UDP right behind the IPv6 header. UDP has no flags, and no sequence.
  struct Headers {
    std::uint8_t protocol = 0;
    std::uint8_t flags = 0;
    std::uint32_t sequence = 0;
    std::size_t length = 0;  ///< of all headers
  };

  struct Run {
    Coalesced whole{};
    Headers headers{};           ///< of the first packet
    std::size_t gso_size = 0;    ///< its payload; only the last packet's is smaller
    bool sizes_unknown = false;  ///< of segments that may have been merged already: then of any size, and cut
                                 ///< at a size that fits every link
    std::size_t payload = 0;     ///< of all packets
    std::size_t count = 0;       ///< of packets
    std::uint8_t endings = 0;    ///< flags of the last packet that are the whole's
    bool right_so_far = false;   ///< the first packet's checksum was verified; so are those of the others
    bool complete = false;       ///< nothing joins any more
    std::array<wire::Bytes, max_tun_parts> parts{};
    std::array<PacketId, max_tun_parts> ids{};
  };

  [[nodiscard]] static std::optional<Headers> headers_of(wire::Bytes packet) noexcept;
  /// Whether the packet must not overtake the run: it is of the same flow, or may be.
  [[nodiscard]] static bool concerns(const Run& run, wire::Bytes packet,
                                     const std::optional<Headers>& headers) noexcept;
  [[nodiscard]] bool may_join(const TunPacket& packet, const Headers& headers) const noexcept;
  [[nodiscard]] bool begins_run(const TunPacket& packet, const Headers& headers) const noexcept;
  void open(const Decapsulated& inner, const Headers& headers) noexcept;
  /// Says whether the packet continues the run of its flow, and is in it now.
  [[nodiscard]] bool join(Run& run, const Decapsulated& inner, const Headers& headers) const noexcept;
  /// Makes the first packet's headers those of the whole.
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
  std::array<std::size_t, max_runs> order_{};  ///< of runs_: the open ones as they were opened, then the rest
  std::array<Run, max_runs> runs_{};
};

}  // namespace sixin4::engine
