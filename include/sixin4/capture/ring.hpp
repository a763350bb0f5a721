// A ring of packets in memory that two programs share: a worker writes, a capturing program reads.
// docs/lock-free.md describes the protocol.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "sixin4/capture/seen_packet.hpp"
#include "sixin4/wire/bytes.hpp"

namespace sixin4::capture {

/// The head of the shared memory, before the packets. Positions count bytes since the ring was made and never
/// wrap.
struct RingState {  // NOLINT(clang-analyzer-optin.performance.Padding): a cache line for each side
  std::atomic<std::uint64_t> layout = 0;               ///< number of the version of this format
  alignas(64) std::atomic<std::uint64_t> written = 0;  ///< position after the last published packet
  std::array<std::atomic<std::uint64_t>, 2> lost{};    ///< packets of each form without room
  alignas(64) std::atomic<std::uint64_t> read = 0;     ///< position up to which the reader has released
};
static_assert(std::atomic<std::uint64_t>::is_always_lock_free);

/// Size in bytes of a ring that has room for `packets` packets of which `kept` bytes are kept.
[[nodiscard]] std::size_t ring_size_for(std::size_t packets, std::size_t kept) noexcept;

/// The writer's end. The reader sees packets after `publish`. The reader's program is not trusted: the only
/// value that the writer loads from the memory is the reader's position, and that may be any number.
class RingWriter {
 public:
  /// `memory` is zeroed, begins at a cache line, is larger than `RingState`, and outlives the writer.
  explicit RingWriter(std::span<std::uint8_t> memory) noexcept;

  /// Copies at most `snap_length` bytes of the packet. Its bytes are in `parts`, not in `packet.bytes`. They
  /// may be fewer than `packet.length`. A packet without room in the ring is counted as lost.
  void write(const SeenPacket& packet, std::span<const wire::Bytes> parts,
             std::uint32_t snap_length) noexcept;
  /// Removes the last packet if its id is `id`.
  void withdraw(engine::PacketId id) noexcept;
  /// Changes the verdict of the last unpublished packet with this id.
  void set_verdict(engine::PacketId id, engine::Verdict verdict) noexcept;
  /// Makes the packets visible to the reader.
  void publish() noexcept;

 private:
  /// A call of `write` since the last `publish`.
  struct Written {
    engine::PacketId id = 0;
    Form form = Form::inner;
    std::uint64_t before = 0;             ///< position before the packet
    std::optional<std::size_t> offset{};  ///< of the packet in the ring; empty: lost
  };
  // About one turn of a worker: both forms of the packets of a batch.
  static constexpr std::size_t most_remembered = 256;

  [[nodiscard]] std::optional<std::size_t> make_room(std::size_t size) noexcept;
  [[nodiscard]] Written& remembered(std::size_t back) noexcept {
    return recent_[(recent_count_ - 1 - back) % most_remembered];
  }

  RingState& state_;
  std::span<std::uint8_t> packets_;
  std::uint64_t written_ = 0;
  std::array<std::uint64_t, 2> lost_{};
  std::array<Written, most_remembered> recent_{};
  std::size_t recent_count_ = 0;  ///< since the last `publish`
};

/// The reader's end. It checks the content of the memory: it never reads outside of it, and never returns an
/// impossible packet.
class RingReader {
 public:
  /// `memory` belongs to a `RingWriter`. Throws std::runtime_error if another version of sixin4 wrote it.
  explicit RingReader(std::span<std::uint8_t> memory);

  /// Returns the next published packet. Its bytes are in the ring and valid until `release`.
  [[nodiscard]] std::optional<SeenPacket> next() noexcept;
  /// Returns the room of all packets read so far to the writer.
  void release() noexcept;
  /// Packets of a form that had no room, since the ring was made.
  [[nodiscard]] std::uint64_t lost(Form form) const noexcept;

 private:
  RingState& state_;
  std::span<const std::uint8_t> packets_;
  std::uint64_t position_;
};

}  // namespace sixin4::capture
