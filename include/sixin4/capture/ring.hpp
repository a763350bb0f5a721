// A ring of packets in memory that two programs share: a worker writes, a capturing program reads.
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

/// What both programs see of a ring, in front of the packets. Positions count bytes since the beginning.
struct RingState {  // NOLINT(clang-analyzer-optin.performance.Padding): a cache line for each side
  std::atomic<std::uint64_t> layout = 0;  ///< tells one version of this from another
  alignas(64) std::atomic<std::uint64_t> written = 0;
  std::array<std::atomic<std::uint64_t>, 2> lost{};  ///< of each form, those that found no room
  alignas(64) std::atomic<std::uint64_t> read = 0;
};
static_assert(std::atomic<std::uint64_t>::is_always_lock_free);

/// Memory that a ring needs for `packets` of `kept` bytes each.
[[nodiscard]] std::size_t ring_size_for(std::size_t packets, std::size_t kept) noexcept;

/// The writer's end. What it writes becomes visible by `publish`. Of all that a reader may have written into
/// the memory it uses the reader's position alone, which may be any number.
class RingWriter {
 public:
  /// `memory` begins at a cache line, is zeroed and larger than a `RingState`; it outlives the writer.
  explicit RingWriter(std::span<std::uint8_t> memory) noexcept;

  /// Keeps at most `snap_length` bytes of the packet, whose bytes are in `parts`: all of them, or those that
  /// there are of one whose length is more. What finds no room is counted.
  void write(const SeenPacket& packet, std::span<const wire::Bytes> parts,
             std::uint32_t snap_length) noexcept;
  /// Takes back what was written last, where that is a form of `id`.
  void withdraw(engine::PacketId id) noexcept;
  /// Puts another verdict to the last form of `id` that found room and is not published.
  void judge(engine::PacketId id, engine::Verdict verdict) noexcept;
  void publish() noexcept;

 private:
  /// What was written, or found no room.
  struct Written {
    engine::PacketId id = 0;
    Form form = Form::inner;
    std::uint64_t before = 0;             ///< position
    std::optional<std::size_t> offset{};  ///< nothing: it found no room
  };
  // Of one turn of a worker, about: both forms of a batch.
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

/// The reader's end. Nothing that is in the memory leads it out of it, or is taken for a packet that cannot
/// be.
class RingReader {
 public:
  /// `memory` is a writer's. Throws std::runtime_error where another version wrote it.
  explicit RingReader(std::span<std::uint8_t> memory);

  /// The next published packet, with bytes in the ring that stay until `release`.
  [[nodiscard]] std::optional<SeenPacket> next() noexcept;
  /// Hands the room of all packets read so far back.
  void release() noexcept;
  /// Since the ring was made.
  [[nodiscard]] std::uint64_t lost(Form form) const noexcept;

 private:
  RingState& state_;
  std::span<const std::uint8_t> packets_;
  std::uint64_t position_;
};

}  // namespace sixin4::capture
