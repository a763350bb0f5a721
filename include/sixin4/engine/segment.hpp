// Cuts a super-packet into the packets that the kernel's own segmentation would have made of it.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>

#include "sixin4/engine/packet.hpp"

namespace sixin4::engine {

/// The segments of one TCP or UDP super-packet. Borrows the packet.
class Segments {
 public:
  /// Headers longer than this are refused. Linux bounds them by the room that it leaves in front of a packet.
  static constexpr std::size_t max_headers = 4096;

  /// `packet` is an IPv6 packet cut to its length. Nothing where offload data and headers contradict each
  /// other.
  [[nodiscard]] static std::optional<Segments> of(const TunPacket& packet) noexcept;

  [[nodiscard]] std::size_t count() const noexcept {
    return std::max<std::size_t>(1, (payload_.size() + size_ - 1) / size_);
  }
  /// Inner headers in bytes, the same in every segment.
  [[nodiscard]] std::size_t header_length() const noexcept { return headers_.size(); }
  /// The longest inner packet that comes out.
  [[nodiscard]] std::size_t largest_packet() const noexcept {
    return headers_.size() + std::min(size_, payload_.size());
  }
  [[nodiscard]] wire::Bytes payload(std::size_t index) const noexcept {
    const std::size_t start = index * size_;
    return payload_.subspan(start, std::min(size_, payload_.size() - start));
  }
  /// Writes the headers of segment `index` with lengths, sequence number, flags and checksum its own.
  /// `headers` has `header_length()` bytes.
  void write_headers(std::size_t index, wire::MutableBytes headers) const noexcept;
  /// The same with the checksum left to the link: its field holds the pseudo-header sum.
  void write_unfinished_headers(std::size_t index, wire::MutableBytes headers) const noexcept;
  /// Where that field stands, from the IPv6 header on.
  [[nodiscard]] UnfinishedChecksum unfinished_checksum() const noexcept;

 private:
  Segments(wire::Bytes packet, std::uint8_t protocol, std::size_t transport, std::size_t header_length,
           std::size_t size) noexcept
      : headers_(packet.first(header_length)),
        payload_(packet.subspan(header_length)),
        transport_(transport),
        size_(size),
        protocol_(protocol) {}

  wire::Bytes headers_;
  wire::Bytes payload_;
  std::size_t transport_;  ///< offset of the TCP or UDP header
  std::size_t size_;       ///< payload bytes a segment
  std::uint8_t protocol_;
};

}  // namespace sixin4::engine
