// Compares a batch with its coalesced form: the same packets, and no packet has overtaken one of its flow.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "sixin4/engine/coalesce.hpp"
#include "sixin4/engine/outbound.hpp"
#include "sixin4/engine/packet.hpp"
#include "sixin4/engine/segment.hpp"
#include "sixin4/wire/checksum.hpp"
#include "sixin4/wire/ipv6.hpp"
#include "sixin4/wire/transport.hpp"

namespace sixin4::test {

/// A packet that was added, or one write.
struct Piece {
  wire::VnetHeader offload{};
  std::vector<std::uint8_t> bytes{};
  bool operator==(const Piece&) const = default;
};

/// Collects the writes of a coalescer and their counts.
struct Writes {
  std::vector<Piece> pieces;
  std::uint64_t packets = 0;
  std::uint64_t wire_bytes = 0;
  std::size_t most_parts = 0;

  void add(const engine::Coalesced& packet) {
    Piece& piece = pieces.emplace_back(Piece{.offload = packet.packet.offload});
    for (const wire::Bytes part : packet.parts)
      piece.bytes.insert(piece.bytes.end(), part.begin(), part.end());
    packets += packet.packets;
    wire_bytes += packet.wire_bytes;
    most_parts = std::max(most_parts, packet.parts.size());
  }
};

/// Whether both may be of one flow: same addresses, and same ports if both show them.
inline bool related(wire::Bytes left, wire::Bytes right) {
  constexpr std::size_t ports_end = 44;
  const auto has_ports = [](wire::Bytes packet) {
    return (packet[6] == 6 || packet[6] == 17) && packet.size() >= ports_end;
  };
  if (!std::ranges::equal(left.subspan(8, 32), right.subspan(8, 32))) return false;
  if (!has_ports(left) || !has_ports(right)) return true;
  return left[6] == right[6] && std::ranges::equal(left.subspan(40, 4), right.subspan(40, 4));
}

inline std::vector<Piece> segments_of(Piece piece) {
  std::vector<Piece> pieces;
  const auto segments = engine::Segments::of({.offload = piece.offload, .bytes = piece.bytes});
  for (std::size_t index = 0; segments && index < segments->count(); ++index) {
    Piece& segment = pieces.emplace_back();
    segment.bytes.resize(segments->header_length());
    segments->write_headers(index, segment.bytes);
    const wire::Bytes payload = segments->payload(index);
    segment.bytes.insert(segment.bytes.end(), payload.begin(), payload.end());
  }
  return pieces;
}

/// Removes from `batch` the packets that `write` joins, a stretch of a TCP stream; false if it is none.
/// Merged segments have no boundaries, so the stretch may be cut in several ways.
inline bool take_stream(std::vector<Piece>& batch, const Piece& write) {
  if (write.offload.gso != wire::Gso::tcp6) return false;
  const std::size_t headers = write.offload.header_length;
  for (std::size_t done = headers; done < write.bytes.size();) {
    const auto came =
        std::ranges::find_if(batch, [&](const Piece& packet) { return related(packet.bytes, write.bytes); });
    if (came == batch.end() || came->bytes.size() <= headers) return false;
    const bool first = done == headers;
    if (first && (came->offload.gso != wire::Gso::tcp6 || came->offload.gso_size != write.offload.gso_size))
      return false;
    engine::TunPacket packet{.offload = came->offload, .bytes = came->bytes};
    const auto ip = wire::Ipv6Header{wire::Bytes{packet.bytes}.first<wire::ipv6_header_size>()};
    const auto pseudo = wire::pseudo_header_sum(ip.source(), ip.destination(),
                                                static_cast<std::uint32_t>(packet.bytes.size() - 40), 6);
    const auto tcp_sum = pseudo + wire::sum_of(packet.bytes.subspan(40));
    if (!packet.offload.needs_checksum && tcp_sum.checksum() != 0) return false;
    const auto number = [](wire::Bytes bytes) {
      return wire::tcp::sequence_number(*wire::fixed<wire::tcp::min_header_size>(bytes, 40));
    };
    const std::size_t length = came->bytes.size() - headers;
    if (length > write.bytes.size() - done ||
        number(came->bytes) != number(write.bytes) + static_cast<std::uint32_t>(done - headers) ||
        !std::equal(came->bytes.begin() + static_cast<std::ptrdiff_t>(headers), came->bytes.end(),
                    write.bytes.begin() + static_cast<std::ptrdiff_t>(done))) {
      return false;
    }
    done += length;
    batch.erase(came);
  }
  return true;
}

/// Returns a fault of the writes of `batch`, or nothing. A write must be an added packet, or cut into added
/// packets with finished checksums, or a stretch of a stream that began with merged segments.
inline std::string fault_of(std::vector<Piece> batch, const std::vector<Piece>& written) {
  for (const Piece& write : written) {
    const auto first_related = [&](const Piece& piece) {
      return std::ranges::find_if(batch,
                                  [&](const Piece& packet) { return related(packet.bytes, piece.bytes); });
    };
    const auto unchanged = first_related(write);
    if (unchanged != batch.end() && *unchanged == write) {
      batch.erase(unchanged);
      continue;
    }
    if (unchanged != batch.end() && unchanged->offload.gso == wire::Gso::tcp6) {
      if (!take_stream(batch, write)) return "not a stretch of the stream that came";
      continue;
    }
    const std::vector<Piece> segments = segments_of(write);
    if (segments.size() < 2) return "a packet that is none that came, or has overtaken one";
    for (const Piece& segment : segments) {
      const auto came = first_related(segment);
      if (came == batch.end()) return "a segment that never came";
      engine::TunPacket packet{.offload = came->offload, .bytes = came->bytes};
      if (packet.offload.gso != wire::Gso::none || !engine::finish_checksum(packet)) {
        return "joined to what is no single packet";
      }
      if (came->bytes != segment.bytes) return "a segment that is not the packet that came";
      batch.erase(came);
    }
  }
  return batch.empty() ? "" : "a packet is lost";
}

}  // namespace sixin4::test
