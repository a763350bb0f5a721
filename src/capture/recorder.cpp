#include "sixin4/capture/recorder.hpp"

#include <algorithm>
#include <bit>
#include <cstring>

namespace sixin4::capture {

namespace {

// Each word of a slot is stored with release, after the odd value of `turn` and before the even one. This
// needs no fence: a release store costs nothing on x86, and ThreadSanitizer does not understand fences.
constexpr auto relaxed = std::memory_order_relaxed;
constexpr auto release = std::memory_order_release;
constexpr auto acquire = std::memory_order_acquire;

constexpr std::uint64_t byte_mask = 0xff;
constexpr std::size_t word_size = sizeof(std::uint64_t);

// Distance of the prefetched slot.
constexpr std::uint64_t slots_ahead = 3;

// A turn of a worker handles one batch. A packet that is refused late is one of the last packets of the
// batch.
constexpr std::uint64_t most_in_a_turn = 128;

/// Loads the last `count` (< 8) bytes of the packet into the first bytes of a word.
std::uint64_t load_last(wire::Bytes packet, std::size_t count) noexcept {
  const std::size_t size = packet.size();
  if (size < word_size) {
    std::uint64_t word = 0;
    std::memcpy(&word, packet.last(count).data(), count);
    return word;
  }
  const auto word = wire::load_native<std::uint64_t>(packet, size - word_size);
  const std::size_t shift = 8 * (word_size - count);
  return std::endian::native == std::endian::little ? word >> shift : word << shift;
}

}  // namespace

Recorder::Recorder(std::uint32_t packets) : slots_(packets == 0 ? 0 : std::bit_ceil(packets)) {}

/// Copies word by word from the packet. The last, partial word is loaded whole and shifted, because a word
/// that is assembled in memory byte by byte stalls when it is loaded (no store forwarding).
void Recorder::write(engine::PacketId id, wire::Bytes start, std::size_t length,
                     std::uint64_t facts) noexcept {
  Slot& slot = slots_[next_++ & (slots_.size() - 1)];
  turn_ += 2;
  slot.turn.store(turn_ - 1, relaxed);
  const std::size_t kept = std::min(start.size(), Recorded::most_bytes);
  slot.id.store(id, release);
  slot.time.store(now_, release);
  slot.facts.store(static_cast<std::uint32_t>(length) | std::uint64_t{kept} << kept_shift | facts, release);
  if (kept == Recorded::most_bytes) {
#pragma GCC unroll 12
    for (std::size_t i = 0; i < words; ++i) {
      slot.bytes[i].store(wire::load_native<std::uint64_t>(start, word_size * i), release);
    }
  } else {
    const std::size_t whole = kept / word_size;
#pragma GCC unroll 4
    for (std::size_t i = 0; i < whole; ++i) {
      slot.bytes[i].store(wire::load_native<std::uint64_t>(start, word_size * i), release);
    }
    if (kept % word_size != 0) slot.bytes[whole].store(load_last(start, kept % word_size), release);
  }
  slot.turn.store(turn_, release);
  // Prefetch a slot that is written some packets from now: it has left the cache since its last use.
  const Slot& ahead = slots_[(next_ + slots_ahead) & (slots_.size() - 1)];
  __builtin_prefetch(&ahead, 1);
  __builtin_prefetch(&ahead.bytes.back(), 1);
}

void Recorder::write_parts(engine::PacketId id, std::span<const wire::Bytes> parts,
                           std::uint64_t facts) noexcept {
  if (slots_.empty()) return;
  std::array<std::uint8_t, Recorded::most_bytes> start{};
  std::size_t kept = 0;
  std::size_t length = 0;
  for (const wire::Bytes part : parts) {
    const std::size_t taken = std::min(part.size(), start.size() - kept);
    wire::copy(part.first(taken), std::span{start}.subspan(kept));
    kept += taken;
    length += part.size();
  }
  write(id, wire::Bytes{start}.first(kept), length, facts);
}

void Recorder::withdrawn(engine::PacketId id) noexcept {
  if (slots_.empty() || next_ == 0 || recent_slot(0).id.load(relaxed) != id) return;
  recent_slot(0).turn.store(0, relaxed);
  --next_;
}

void Recorder::refused(engine::PacketId id, engine::Verdict verdict) noexcept {
  const auto searched = std::min<std::uint64_t>({slots_.size(), next_, most_in_a_turn});
  for (std::uint64_t back = 0; back < searched; ++back) {
    Slot& slot = recent_slot(back);
    if (slot.id.load(relaxed) != id) continue;
    // The store of one word is atomic: a reader gets the old or the new verdict.
    const std::uint64_t facts = slot.facts.load(relaxed) & ~(byte_mask << verdict_shift);
    return slot.facts.store(facts | std::uint64_t(verdict) << verdict_shift, release);
  }
}

std::vector<Recorded> Recorder::packets() const {
  struct Read {
    std::uint64_t turn;
    Recorded packet;
  };
  std::vector<Read> read;
  for (const Slot& slot : slots_) {
    const std::uint64_t turn = slot.turn.load(acquire);
    if (turn == 0 || turn % 2 != 0) continue;
    Recorded packet;
    packet.seen.id = slot.id.load(acquire);
    packet.seen.time = engine::Time{engine::Time::duration{slot.time.load(acquire)}};
    const std::uint64_t facts = slot.facts.load(acquire);
    packet.seen.length = static_cast<std::uint32_t>(facts);
    packet.seen.verdict = static_cast<engine::Verdict>(facts >> verdict_shift & byte_mask);
    packet.seen.form = (facts >> form_shift & 1U) != 0 ? Form::outer : Form::inner;
    packet.seen.direction = static_cast<engine::Direction>(facts >> direction_shift & 1U);
    packet.kept = static_cast<std::uint8_t>(facts >> kept_shift & byte_mask);
    for (std::size_t i = 0; i < words; ++i) {
      const std::uint64_t word = slot.bytes[i].load(acquire);
      std::memcpy(std::span{packet.bytes}.subspan(word_size * i, word_size).data(), &word, sizeof word);
    }
    if (slot.turn.load(relaxed) == turn) read.push_back({.turn = turn, .packet = packet});
  }
  std::ranges::sort(read, {}, &Read::turn);
  std::vector<Recorded> packets;
  packets.reserve(read.size());
  for (const Read& each : read) packets.push_back(each.packet);
  return packets;
}

}  // namespace sixin4::capture
