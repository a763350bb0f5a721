// Runs a batch of packets through a coalescer, and builds packets that it joins.
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "sixin4/engine/coalesce.hpp"

#include "packets.hpp"

namespace sixin4::engine::test_coalescing {

using namespace test;

inline constexpr std::uint8_t protocol_tcp = 6;
inline constexpr std::uint8_t protocol_udp = 17;
inline constexpr std::uint8_t tcp_syn = 0x02;
inline constexpr std::uint8_t tcp_rst = 0x04;
inline constexpr std::uint8_t tcp_urg = 0x20;
inline constexpr std::uint8_t tcp_ece = 0x40;

struct Written {
  TunFrame frame;
  std::vector<wire::Bytes> parts;
  std::uint32_t packets = 0;
  std::uint32_t wire_bytes = 0;
};

/// Owns the memory of the frames.
class Batch {
 public:
  explicit Batch(std::vector<TunFrame> frames, bool joins_udp = true)
      : frames_(std::move(frames)), coalescer_(joins_udp) {
    const auto write = [this](const Coalesced& packet) noexcept {
      written.push_back({.frame = {.offload = packet.packet.offload, .bytes = octets_of(packet.parts)},
                         .parts = {packet.parts.begin(), packet.parts.end()},
                         .packets = packet.packets,
                         .wire_bytes = packet.wire_bytes});
    };
    for (TunFrame& frame : frames_) {
      coalescer_.add({.packet = frame.packet(), .wire_bytes = static_cast<std::uint32_t>(frame.bytes.size())},
                     write);
    }
    written_before_the_end = written.size();
    coalescer_.close_all(write);
  }

  [[nodiscard]] const std::vector<TunFrame>& frames() const { return frames_; }
  /// The number of packets in each write.
  [[nodiscard]] std::vector<std::uint32_t> counts() const {
    std::vector<std::uint32_t> counts;
    for (const Written& each : written) counts.push_back(each.packets);
    return counts;
  }

  std::vector<Written> written;
  std::size_t written_before_the_end = 0;

 private:
  std::vector<TunFrame> frames_;
  Coalescer coalescer_;
};

using Counts = std::vector<std::uint32_t>;

inline Tcp from_far() {
  return {.source = far_host, .destination = near_host};
}
inline Udp datagram_from_far(std::size_t payload) {
  return {.payload = payload_of(payload), .source = far_host, .destination = near_host};
}

/// Consecutive finished segments of these lengths; the last has `last_flags`.
inline std::vector<TunFrame> stream_of(const Tcp& whole, std::initializer_list<std::size_t> lengths,
                                       std::uint8_t last_flags = tcp_ack) {
  std::vector<TunFrame> frames;
  Tcp segment = whole;
  auto from = whole.payload.begin();
  for (const std::size_t length : lengths) {
    segment.payload.assign(from, from + static_cast<std::ptrdiff_t>(length));
    from += static_cast<std::ptrdiff_t>(length);
    if (frames.size() + 1 == lengths.size()) segment.flags = last_flags;
    frames.push_back({.bytes = packet_of(segment)});
    segment.sequence += static_cast<std::uint32_t>(length);
    segment.flags = static_cast<std::uint8_t>(segment.flags & ~unsigned{tcp_cwr});
  }
  return frames;
}

inline Tcp whole_of(std::size_t payload) {
  Tcp whole = from_far();
  whole.payload = payload_of(payload);
  return whole;
}

inline std::vector<TunFrame> datagrams_of(const Octets& payload, std::initializer_list<std::size_t> lengths) {
  std::vector<TunFrame> frames;
  auto from = payload.begin();
  for (const std::size_t length : lengths) {
    Udp datagram = datagram_from_far(0);
    datagram.payload.assign(from, from + static_cast<std::ptrdiff_t>(length));
    from += static_cast<std::ptrdiff_t>(length);
    frames.push_back({.bytes = packet_of(datagram)});
  }
  return frames;
}

/// Every frame was written alone and unchanged, in order.
inline void expect_untouched(const Batch& batch, const std::vector<TunFrame>& frames,
                             const std::string& what = {}) {
  ASSERT_EQ(batch.written.size(), frames.size()) << what;
  for (std::size_t index = 0; index < frames.size(); ++index) {
    EXPECT_EQ(batch.written[index].frame.bytes, frames[index].bytes) << what;
    EXPECT_EQ(batch.written[index].frame.offload, frames[index].offload) << what;
    EXPECT_EQ(batch.written[index].packets, 1U) << what;
  }
}

}  // namespace sixin4::engine::test_coalescing
