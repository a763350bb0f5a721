#include "sixin4/capture/ring.hpp"

#include <algorithm>
#include <cstring>
#include <new>
#include <stdexcept>

namespace sixin4::capture {

namespace {

// Any other number belongs to another version, or the memory is not a ring.
constexpr std::uint64_t this_layout = 0x7369'7869'6e34'0001;
constexpr std::size_t alignment = 8;

/// The head of a packet or of a filler. A filler is the room at the end of the ring that was too small for
/// the next packet. A filler may be so small that only the first two fields fit.
struct Head {
  std::uint32_t size = 0;  ///< includes this head and the padding
  std::uint32_t kept = 0;
  std::uint32_t length = 0;
  std::uint8_t form = 0;
  std::uint8_t outward = 0;
  std::uint8_t verdict = 0;
  std::uint8_t is_packet = 0;  ///< 0: filler
  engine::PacketId id = 0;
  std::int64_t time = 0;
};
static_assert(sizeof(Head) % alignment == 0 && offsetof(Head, length) == alignment);

constexpr std::size_t aligned(std::size_t size) noexcept {
  return (size + alignment - 1) / alignment * alignment;
}

std::span<std::uint8_t> packet_area(std::span<std::uint8_t> memory) noexcept {
  const std::size_t size = memory.size() - std::min(memory.size(), sizeof(RingState));
  return memory.subspan(memory.size() - size, size / alignment * alignment);
}

/// Loads a head. Fields after the end of the ring stay 0.
Head head_at(std::span<const std::uint8_t> packets, std::size_t offset) noexcept {
  Head head;
  const std::size_t available = std::min(sizeof head, packets.size() - offset);
  std::memcpy(&head, packets.subspan(offset, available).data(), available);
  if (available < sizeof head) head.is_packet = 0;
  return head;
}

/// Throws std::runtime_error unless a writer of this version made the ring.
RingState& state_in(std::span<std::uint8_t> memory) {
  if (memory.size() > sizeof(RingState)) {
    RingState& state = *std::launder(reinterpret_cast<RingState*>(memory.data()));
    if (state.layout.load(std::memory_order_acquire) == this_layout) return state;
  }
  throw std::runtime_error(
      "the endpoint runs another version of sixin4 than this program: restart it, or use its version");
}

bool is_possible(const Head& head) noexcept {
  return head.is_packet == 1 && head.size >= sizeof head && head.kept <= head.size - sizeof head &&
         head.kept <= head.length && head.form <= 1 && head.outward <= 1 &&
         head.verdict < engine::verdict_count;
}

}  // namespace

std::size_t ring_size_for(std::size_t packets, std::size_t kept) noexcept {
  return sizeof(RingState) + packets * aligned(sizeof(Head) + kept);
}

RingWriter::RingWriter(std::span<std::uint8_t> memory) noexcept
    : state_(*new (memory.data()) RingState), packets_(packet_area(memory)) {
  state_.layout.store(this_layout, std::memory_order_release);
}

/// Returns the offset for a packet of `size` bytes. A packet is never split: if it does not fit before the
/// end of the ring, a filler takes the rest and the packet begins at offset 0. Returns nothing if the ring is
/// full.
std::optional<std::size_t> RingWriter::make_room(std::size_t size) noexcept {
  const std::size_t offset = written_ % packets_.size();
  const std::size_t to_end = packets_.size() - offset;
  const std::size_t skipped = size <= to_end ? 0 : to_end;
  const std::uint64_t used = written_ - state_.read.load(std::memory_order_acquire);
  if (used > packets_.size() || packets_.size() - used < skipped + size) return std::nullopt;
  if (skipped == 0) return offset;
  const Head head{.size = static_cast<std::uint32_t>(skipped)};
  std::memcpy(packets_.subspan(offset).data(), &head, std::min(sizeof head, skipped));
  written_ += skipped;
  return 0;
}

void RingWriter::write(const SeenPacket& packet, std::span<const wire::Bytes> parts,
                       std::uint32_t snap_length) noexcept {
  std::size_t size_of_parts = 0;
  for (const wire::Bytes part : parts) size_of_parts += part.size();
  const std::size_t kept = std::min<std::size_t>(size_of_parts, snap_length);
  const std::size_t size = aligned(sizeof(Head) + kept);
  ++recent_count_;
  Written& written = remembered(0);
  written = {.id = packet.id, .form = packet.form, .before = written_, .offset = make_room(size)};
  if (!written.offset) {
    ++lost_[static_cast<std::size_t>(packet.form)];
    return;
  }
  const Head head{.size = static_cast<std::uint32_t>(size),
                  .kept = static_cast<std::uint32_t>(kept),
                  .length = std::max(packet.length, static_cast<std::uint32_t>(size_of_parts)),
                  .form = static_cast<std::uint8_t>(packet.form),
                  .outward = packet.direction == engine::Direction::out ? std::uint8_t{1} : std::uint8_t{0},
                  .verdict = static_cast<std::uint8_t>(packet.verdict),
                  .is_packet = 1,
                  .id = packet.id,
                  .time = packet.time.time_since_epoch().count()};
  std::memcpy(packets_.subspan(*written.offset, sizeof head).data(), &head, sizeof head);
  std::span<std::uint8_t> room = packets_.subspan(*written.offset + sizeof head, kept);
  for (const wire::Bytes part : parts) {
    const std::size_t taken = std::min(part.size(), room.size());
    wire::copy(part.first(taken), room);
    room = room.subspan(taken);
  }
  written_ += size;
}

void RingWriter::withdraw(engine::PacketId id) noexcept {
  if (recent_count_ == 0 || remembered(0).id != id) return;
  const Written& last = remembered(0);
  if (!last.offset) --lost_[static_cast<std::size_t>(last.form)];
  written_ = last.before;
  --recent_count_;
}

void RingWriter::set_verdict(engine::PacketId id, engine::Verdict verdict) noexcept {
  const std::size_t searched = std::min(recent_count_, most_remembered);
  for (std::size_t back = 0; back < searched; ++back) {
    const Written& written = remembered(back);
    // If the refused form was lost, the verdict goes to another form of the packet.
    if (written.id != id || !written.offset) continue;
    packets_[*written.offset + offsetof(Head, verdict)] = static_cast<std::uint8_t>(verdict);
    return;
  }
}

void RingWriter::publish() noexcept {
  if (recent_count_ == 0) return;
  recent_count_ = 0;
  for (std::size_t form = 0; form < lost_.size(); ++form) {
    state_.lost[form].store(lost_[form], std::memory_order_relaxed);
  }
  state_.written.store(written_, std::memory_order_release);
}

RingReader::RingReader(std::span<std::uint8_t> memory)
    : state_(state_in(memory)),
      packets_(packet_area(memory)),
      position_(state_.read.load(std::memory_order_relaxed)) {}

std::optional<SeenPacket> RingReader::next() noexcept {
  const std::uint64_t written = state_.written.load(std::memory_order_acquire);
  if (written - position_ > packets_.size()) position_ = written;  // the writer is broken or hostile
  while (position_ != written) {
    const std::size_t offset = position_ % packets_.size();
    const Head head = head_at(packets_, offset);
    const std::uint64_t most = std::min<std::uint64_t>(packets_.size() - offset, written - position_);
    if (head.size == 0 || head.size > most || head.size % alignment != 0) {
      position_ = written;
      break;
    }
    position_ += head.size;
    if (!is_possible(head)) continue;
    return SeenPacket{.id = head.id,
                      .time = engine::Time{engine::Time::duration{head.time}},
                      .form = static_cast<Form>(head.form),
                      .direction = head.outward != 0 ? engine::Direction::out : engine::Direction::in,
                      .verdict = static_cast<engine::Verdict>(head.verdict),
                      .length = head.length,
                      .bytes = packets_.subspan(offset + sizeof head, head.kept)};
  }
  return std::nullopt;
}

void RingReader::release() noexcept {
  state_.read.store(position_, std::memory_order_release);
}

std::uint64_t RingReader::lost(Form form) const noexcept {
  return state_.lost[static_cast<std::size_t>(form)].load(std::memory_order_relaxed);
}

}  // namespace sixin4::capture
