// From tun to the wire: judge a packet, cut it where it is a super-packet, wrap every piece in IPv4.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>

#include "sixin4/engine/packet.hpp"
#include "sixin4/engine/parameters.hpp"
#include "sixin4/engine/segment.hpp"
#include "sixin4/engine/time.hpp"
#include "sixin4/engine/verdict.hpp"
#include "sixin4/engine/wire_batch.hpp"
#include "sixin4/wire/icmpv6.hpp"
#include "sixin4/wire/ipv4.hpp"
#include "sixin4/wire/ipv6.hpp"

namespace sixin4::engine {

/// Cuts `packet` to the length that its header gives, says whether it may leave, and where it may makes of it
/// what leaves: with the source that the rules choose, and its MSS clamped where that is asked for. Sets
/// `segments` for a super-packet that may. A refusal that the sender is to hear of is answered by the caller.
[[nodiscard]] Verdict judge_outbound(const TunnelParameters& parameters, TunPacket& packet,
                                     std::optional<Segments>& segments, Time now) noexcept;

/// What the sender of a packet that is refused hears.
[[nodiscard]] std::optional<wire::icmpv6::Error> answer_to(Verdict refusal, std::uint16_t mtu) noexcept;

/// Whether the outer packet needs no fragments.
[[nodiscard]] constexpr bool fits_link(const TunnelParameters& parameters,
                                       std::size_t inner_length) noexcept {
  return inner_length + wire::ipv4_header_size <= parameters.link_mtu;
}

/// Writes outer headers: one packet, or the IPv4 fragments that the path needs (RFC 4213 §3.2: with a static
/// MTU, or over a path that does not carry 1280 bytes, the outer packet may be fragmented).
class Encapsulator {
 public:
  explicit Encapsulator(Share share = {}) noexcept;

  /// `packet` is inner bytes in two parts: `headers` are copied in front of `payload`, which is borrowed.
  /// The first of them begins with the IPv6 header; `headers` are `Segments::max_headers` bytes at most.
  /// `flush` is called when `batch` is full; it sends and clears it. `checksum` counts from the inner header;
  /// no link finishes that of a packet that does not fit it.
  template <typename Flush>
  void add(const TunnelParameters& parameters, wire::Bytes headers, wire::Bytes payload, WireBatch& batch,
           Flush&& flush, UnfinishedChecksum checksum = {}) noexcept {
    const wire::Ipv6Header inner{(headers.empty() ? payload : headers).first<wire::ipv6_header_size>()};
    if (fits_link(parameters, headers.size() + payload.size())) {
      if (!batch.has_room()) flush();
      wire::copy(headers, add_whole(parameters, inner, headers.size(), payload, batch, checksum));
      return;
    }
    OuterPieces pieces = begin(parameters, inner, headers, payload);
    do {
      if (!batch.has_room()) flush();
    } while (add_next(parameters, pieces, batch));
  }

  /// Adds every segment. Where the link finishes checksums, those of segments that fit it are left to it.
  template <typename Flush>
  void add_segments(const TunnelParameters& parameters, const Segments& segments, bool link_finishes,
                    WireBatch& batch, Flush&& flush) noexcept {
    const std::size_t header_length = segments.header_length();
    const UnfinishedChecksum unfinished = link_finishes ? segments.checksum_field() : UnfinishedChecksum{};
    for (std::size_t index = 0; index < segments.count(); ++index) {
      const wire::Bytes payload = segments.payload(index);
      if (!fits_link(parameters, header_length + payload.size())) {
        const auto headers = std::span{segment_headers_}.first(header_length);
        segments.write_headers(index, headers);
        add(parameters, headers, payload, batch, flush);
        continue;
      }
      if (!batch.has_room()) flush();
      const auto headers =
          add_whole(parameters, segments.ip_header(), header_length, payload, batch, unfinished);
      if (link_finishes) {
        segments.write_unfinished_headers(index, headers);
      } else {
        segments.write_headers(index, headers);
      }
    }
  }

 private:
  struct OuterPieces {
    std::uint8_t tos = 0;
    std::uint8_t ttl = 0;
    wire::Bytes headers;
    wire::Bytes payload;
    std::size_t done = 0;   ///< inner bytes that are in the batch already
    std::size_t piece = 0;  ///< inner bytes in every piece but the last
    std::uint16_t identification = 0;
  };

  /// Adds a packet that needs no fragments, and returns the room for its inner headers.
  [[nodiscard]] wire::MutableBytes add_whole(const TunnelParameters& parameters, wire::Ipv6Header inner,
                                             std::size_t header_length, wire::Bytes payload, WireBatch& batch,
                                             UnfinishedChecksum checksum) noexcept;

  [[nodiscard]] OuterPieces begin(const TunnelParameters& parameters, wire::Ipv6Header inner,
                                  wire::Bytes headers, wire::Bytes payload) noexcept;
  /// Adds one piece; false when it was the last.
  [[nodiscard]] static bool add_next(const TunnelParameters& parameters, OuterPieces& pieces,
                                     WireBatch& batch) noexcept;

  [[nodiscard]] std::uint16_t next_identification(const TunnelParameters& parameters) noexcept;

  std::uint16_t first_identification_;
  std::uint16_t last_identification_;
  std::uint16_t identification_;                                       ///< the next one
  std::array<std::uint8_t, Segments::max_headers> segment_headers_{};  ///< of one that is fragmented
};

}  // namespace sixin4::engine
