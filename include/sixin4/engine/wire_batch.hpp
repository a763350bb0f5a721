// Collects outer packets for one send call.
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "sixin4/engine/packet.hpp"
#include "sixin4/engine/segment.hpp"
#include "sixin4/wire/ipv4.hpp"

namespace sixin4::engine {

/// A bounded list of packets, with memory for their heads. Allocates nothing after construction.
class WireBatch {
 public:
  static constexpr std::size_t max_packets = 128;
  static constexpr std::size_t max_head = wire::ipv4_header_size + Segments::max_headers;

  [[nodiscard]] std::size_t size() const noexcept { return count_; }
  [[nodiscard]] bool has_room() const noexcept {
    return count_ < max_packets && heads_.size() - heads_used_ >= max_head;
  }
  [[nodiscard]] std::span<const OuterPacket> packets() const noexcept {
    return std::span{packets_}.first(count_);
  }

  /// Sets the id of the packets that are added next.
  void begin_packet(PacketId id) noexcept { id_ = id; }

  /// Adds a packet and returns its head, `head_length` bytes (at most `max_head`) for the caller to write.
  /// Requires `has_room()`. `body` is borrowed until `clear()`. `checksum` counts from the outer header.
  [[nodiscard]] wire::MutableBytes add(std::size_t head_length, wire::Bytes body, std::uint32_t inner_length,
                                       UnfinishedChecksum checksum = {}) noexcept {
    const wire::MutableBytes head = std::span{heads_}.subspan(heads_used_, head_length);
    heads_used_ += head_length;
    packets_[count_++] = {.head = head,
                          .body = body,
                          .inner_length = inner_length,
                          .checksum_start = checksum.start,
                          .checksum_offset = checksum.offset,
                          .id = id_};
    return head;
  }
  void clear() noexcept {
    count_ = 0;
    heads_used_ = 0;
  }

 private:
  std::array<OuterPacket, max_packets> packets_;
  std::array<std::uint8_t, 32 * max_packets + 4 * max_head> heads_{};
  std::size_t count_ = 0;
  std::size_t heads_used_ = 0;
  PacketId id_ = 0;
};

}  // namespace sixin4::engine
