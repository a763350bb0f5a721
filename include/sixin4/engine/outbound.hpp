// From tun to the wire: judge a packet, cut it where it is a super-packet, wrap every piece in IPv4.
#pragma once

#include <cstdint>
#include <optional>

#include "sixin4/engine/packet.hpp"
#include "sixin4/engine/parameters.hpp"
#include "sixin4/engine/segment.hpp"
#include "sixin4/engine/verdict.hpp"
#include "sixin4/engine/wire_batch.hpp"

namespace sixin4::engine {

/// Cuts `packet` to the length that its header gives, says whether it may leave, and clamps its MSS where
/// that is asked for. A refusal that the sender is to hear of is answered by the caller.
[[nodiscard]] Verdict judge_outbound(const TunnelParameters& parameters, TunPacket& packet) noexcept;

/// Which checksum `offload` wants finished in a packet that is not a super-packet. Nothing where the offload
/// data does not point behind the IPv6 header and into the packet.
[[nodiscard]] std::optional<UnfinishedChecksum> unfinished_checksum(const TunPacket& packet) noexcept;

/// Finishes it (what the kernel's skb_checksum_help does). False where `unfinished_checksum` has nothing.
[[nodiscard]] bool finish_checksum(TunPacket& packet) noexcept;

/// Whether the outer packet needs no fragments.
[[nodiscard]] constexpr bool fits_link(const TunnelParameters& parameters,
                                       std::size_t inner_length) noexcept {
  return inner_length + wire::ipv4_header_size <= parameters.link_mtu;
}

/// Writes outer headers: one packet, or the IPv4 fragments that the path needs (RFC 4213 §3.2: with a static
/// MTU, or over a path that does not carry 1280 bytes, the outer packet may be fragmented).
class Encapsulator {
 public:
  /// `packet` is inner bytes in two parts: `headers` are copied in front of `payload`, which is borrowed.
  /// The first of them begins with the IPv6 header; `headers` are `Segments::max_headers` bytes at most.
  /// `flush` is called when `batch` is full; it sends and clears it. `checksum` counts from the inner header;
  /// no link finishes that of a packet that does not fit it.
  template <typename Flush>
  void add(const TunnelParameters& parameters, wire::Bytes headers, wire::Bytes payload, WireBatch& batch,
           Flush&& flush, UnfinishedChecksum checksum = {}) noexcept {
    OuterPieces pieces = begin(parameters, headers, payload);
    if (checksum.start != 0) pieces.checksum = behind_outer_header(checksum);
    do {
      if (!batch.has_room()) flush();
    } while (add_next(parameters, pieces, batch));
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
    UnfinishedChecksum checksum{};
  };

  [[nodiscard]] static constexpr UnfinishedChecksum behind_outer_header(UnfinishedChecksum inner) noexcept {
    return {.start = static_cast<std::uint16_t>(wire::ipv4_header_size + inner.start),
            .offset = inner.offset};
  }

  [[nodiscard]] OuterPieces begin(const TunnelParameters& parameters, wire::Bytes headers,
                                  wire::Bytes payload) noexcept;
  /// Adds one piece; false when it was the last.
  [[nodiscard]] static bool add_next(const TunnelParameters& parameters, OuterPieces& pieces,
                                     WireBatch& batch) noexcept;

  std::uint16_t identification_ = 0;
};

}  // namespace sixin4::engine
