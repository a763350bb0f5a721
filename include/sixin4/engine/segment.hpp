// Cuts a super-packet into the same packets as the kernel's segmentation, and finishes checksums.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>

#include "sixin4/engine/packet.hpp"
#include "sixin4/wire/checksum.hpp"
#include "sixin4/wire/ipv6.hpp"

namespace sixin4::engine {

/// The checksum that the offload data of a packet (not a super-packet) asks to be finished; start 0: none.
/// Empty if the offload data point into the IPv6 header or past the packet's end.
[[nodiscard]] std::optional<UnfinishedChecksum> checksum_to_finish(const TunPacket& packet) noexcept;

/// Finishes that checksum, as the kernel's skb_checksum_help does. False if `checksum_to_finish` is empty.
[[nodiscard]] bool finish_checksum(TunPacket& packet) noexcept;

/// The segments of one TCP or UDP super-packet. Borrows the packet.
class Segments {
 public:
  /// Limit of all headers together; `of` is empty for longer ones. Linux limits headers to the headroom of a
  /// packet.
  static constexpr std::size_t max_headers = 4096;

  /// `packet` is an IPv6 packet cut to its length. Empty if offload data and headers contradict each other.
  [[nodiscard]] static std::optional<Segments> of(const TunPacket& packet) noexcept;

  [[nodiscard]] std::size_t count() const noexcept { return count_; }
  /// Bytes of the inner headers, the same in every segment.
  [[nodiscard]] std::size_t header_length() const noexcept { return headers_.size(); }
  /// The header of the super-packet; that of a segment has another payload length.
  [[nodiscard]] wire::Ipv6Header ip_header() const noexcept {
    return wire::Ipv6Header{headers_.first<wire::ipv6_header_size>()};
  }
  /// The length of the longest segment, headers included.
  [[nodiscard]] std::size_t largest_packet() const noexcept {
    return headers_.size() + std::min<std::size_t>(size_, payload_.size());
  }
  [[nodiscard]] wire::Bytes payload(std::size_t index) const noexcept {
    const std::size_t start = index * size_;
    return payload_.subspan(start, std::min<std::size_t>(size_, payload_.size() - start));
  }
  /// Writes the headers of segment `index` to `headers`, which has `header_length()` bytes: lengths, sequence
  /// number, flags and checksum are those of the segment.
  void write_headers(std::size_t index, wire::MutableBytes headers) const noexcept;
  /// The same with the pseudo-header sum in the checksum field, for the link to finish.
  void write_unfinished_headers(std::size_t index, wire::MutableBytes headers) const noexcept;
  /// The position of the checksum field, counted from the IPv6 header.
  [[nodiscard]] UnfinishedChecksum checksum_field() const noexcept;

 private:
  Segments(wire::Bytes packet, std::uint8_t protocol, std::uint16_t transport, std::size_t header_length,
           std::uint16_t size) noexcept;

  /// Writes all fields but the checksum, and returns the sum of the transport header without it.
  [[nodiscard]] wire::InternetSum write_fields(std::size_t index, wire::MutableBytes headers) const noexcept;
  [[nodiscard]] wire::InternetSum pseudo_header_sum(std::size_t length) const noexcept;
  void write_checksum(wire::MutableBytes headers, std::uint16_t checksum) const noexcept;

  wire::Bytes headers_;
  wire::Bytes payload_;
  std::uint32_t count_;
  std::uint16_t transport_;  ///< offset of the TCP or UDP header
  std::uint16_t size_;       ///< payload bytes a segment
  std::uint8_t protocol_;
  wire::InternetSum addresses_;
  wire::InternetSum common_;  ///< sum of the transport header fields that are equal in every segment
};

}  // namespace sixin4::engine
