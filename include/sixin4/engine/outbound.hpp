// From tun to the IPv4 side: judges a packet, cuts a super-packet into segments, and wraps each in IPv4.
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

/// Cuts `packet` to the length in its header and judges it. A packet that passes gets the source that the
/// rules choose, and its MSS is clamped if that is configured. Sets `segments` for a super-packet that
/// passes. The caller answers a refused packet.
[[nodiscard]] Verdict judge_outbound(const TunnelParameters& parameters, TunPacket& packet,
                                     std::optional<Segments>& segments, Time now) noexcept;

/// The ICMPv6 error that the sender of a refused packet gets; empty if none.
[[nodiscard]] std::optional<wire::icmpv6::Error> answer_to(Verdict refusal, std::uint16_t mtu) noexcept;

/// Whether the outer packet fits the link without IPv4 fragments.
[[nodiscard]] constexpr bool fits_link(const TunnelParameters& parameters,
                                       std::size_t inner_length) noexcept {
  return inner_length + wire::ipv4_header_size <= parameters.link_mtu;
}

/// Wraps a packet in one outer packet, or in IPv4 fragments, which RFC 4213 §3.2 allows with a static MTU,
/// and over a path that does not carry 1280 bytes.
class Encapsulator {
 public:
  explicit Encapsulator(Share share = {}) noexcept;

  /// Adds an inner packet that consists of `headers`, at most `Segments::max_headers` bytes, which are
  /// copied, and `payload`, which is borrowed. `headers` may be empty. Calls `flush`, which must send and
  /// clear `batch`, when the batch is full. `checksum` counts from the inner header. In a packet that does
  /// not fit the link the checksum must be finished.
  template <typename Flush>
  void add(const TunnelParameters& parameters, wire::Bytes headers, wire::Bytes payload, WireBatch& batch,
           Flush&& flush, UnfinishedChecksum checksum = {}) noexcept {
    const wire::Ipv6Header inner{(headers.empty() ? payload : headers).first<wire::ipv6_header_size>()};
    if (fits_link(parameters, headers.size() + payload.size())) {
      if (!batch.has_room()) flush();
      wire::copy(headers, add_whole(parameters, inner, headers.size(), payload, batch, checksum));
      return;
    }
    Fragments fragments = begin(parameters, inner, headers, payload);
    do {
      if (!batch.has_room()) flush();
    } while (add_next(fragments, batch));
  }

  /// Adds all segments. If `link_finishes`, the link finishes the checksums of segments that fit it.
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
  struct Fragments {
    wire::Ipv4Fields outer;  ///< of the next fragment
    wire::Bytes headers;
    wire::Bytes payload;
    std::size_t done = 0;  ///< inner bytes in the batch so far
    std::size_t size = 0;  ///< inner bytes in each fragment but the last
  };

  [[nodiscard]] Fragments begin(const TunnelParameters& parameters, wire::Ipv6Header inner,
                                wire::Bytes headers, wire::Bytes payload) noexcept;
  /// Adds an unfragmented packet, and returns the room for its inner headers.
  [[nodiscard]] wire::MutableBytes add_whole(const TunnelParameters& parameters, wire::Ipv6Header inner,
                                             std::size_t header_length, wire::Bytes payload, WireBatch& batch,
                                             UnfinishedChecksum checksum) noexcept;

  /// Adds one fragment; false if it was the last.
  [[nodiscard]] static bool add_next(Fragments& fragments, WireBatch& batch) noexcept;

  [[nodiscard]] std::uint16_t next_identification(const TunnelParameters& parameters) noexcept;

  std::uint16_t first_identification_;
  std::uint16_t last_identification_;
  std::uint16_t identification_;                                       ///< of the next packet
  std::array<std::uint8_t, Segments::max_headers> segment_headers_{};  ///< of a segment that is fragmented
};

}  // namespace sixin4::engine
