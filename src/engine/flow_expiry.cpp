// Expiry of flows, and the choice of the flow that makes room in a full table. Each queue of candidates is a
// ring of places, so no search is needed.
#include <algorithm>

#include "sixin4/engine/flow_table.hpp"
#include "sixin4/wire/ipv6.hpp"

namespace sixin4::engine {

namespace {

// Unanswered flows from outside are replaced first if they are more than 1/8 of all unanswered flows.
constexpr std::uint32_t outside_share = 8;
// Limit of the flows that one call moves from the front of a queue to its end.
constexpr int most_moved = 1024;
// Slots that `expire` checks while it holds the lock once.
constexpr std::size_t slots_a_look = 1024;

}  // namespace

void FlowTable::expire(Time now) noexcept {
  const std::uint32_t second = seconds_of(now);
  for (std::size_t first = 0; first < slots_.size() && size() != 0; first += slots_a_look) {
    const std::lock_guard lock{mutex_};
    const std::size_t end = std::min(slots_.size(), first + slots_a_look);
    for (std::size_t index = first; index < end; ++index) {
      const Slot& slot = slots_[index];
      const bool is_flow = slot.version.load(std::memory_order_relaxed) % 2 == 0;
      if (is_flow && idle_time(slot, second) >= timeout_of(slot)) take_out(static_cast<std::uint32_t>(index));
    }
  }
}

/// `last` may be later than `now`, because another thread read its clock later.
std::chrono::seconds FlowTable::idle_time(const Slot& slot, std::uint32_t now) noexcept {
  const std::uint32_t last = slot.last_packet.load(std::memory_order_relaxed);
  return std::chrono::seconds{now > last ? now - last : 0};
}

std::chrono::seconds FlowTable::timeout_of(const Slot& slot) const noexcept {
  switch (slot.protocol()) {
    case wire::next_header::tcp:
      switch (slot.state.load(std::memory_order_relaxed)) {
        case FlowState::opening:
          return timeouts_.tcp_opening;
        case FlowState::established:
          return timeouts_.tcp_established;
        case FlowState::closing:
          return timeouts_.tcp_closing;
        case FlowState::closed:
          return timeouts_.tcp_closed;
      }
      return timeouts_.tcp_opening;
    case wire::next_header::udp:
      return timeouts_.udp;
    case wire::next_header::icmpv6:
      return timeouts_.icmpv6;
    default:
      return timeouts_.other;
  }
}

/// Frees a slot by removing another flow if none is free.
bool FlowTable::make_room(Direction begun, std::uint32_t now) noexcept {
  if (!free_.empty()) return true;
  const auto leaving = first_to_go(begun, now);
  if (leaving) take_out(*leaving);
  return leaving.has_value();
}

std::optional<std::uint32_t> FlowTable::first_to_go(Direction begun, std::uint32_t now) noexcept {
  const auto ended = first_of(over, now);
  if (ended && is_silent(*ended, now)) return ended;
  if (const auto unanswered = first_of(unanswered_to_go(begun), now)) return unanswered;
  if (begun == Direction::in) return std::nullopt;
  // A connection that ended just now is replaced late: its last packets may be on their way, or the reset may
  // be forged.
  if (ended) return ended;
  const auto idle = first_of(answered, now);
  return idle && is_silent(*idle, now) ? idle : std::nullopt;
}

FlowTable::Queue FlowTable::unanswered_to_go(Direction begun) const noexcept {
  const std::uint32_t inside = queued_[unanswered_inside];
  const std::uint32_t outside = queued_[unanswered_outside];
  const std::uint32_t share = (inside + outside) / outside_share;
  if (begun == Direction::in) return outside < share ? unanswered_inside : unanswered_outside;
  return outside > share || inside == 0 ? unanswered_outside : unanswered_inside;
}

/// Returns the flow with the longest silence, or the first one silent for `idle_when_full`. Packets take no
/// lock and so move nothing in the queue; here a flow with packets since it was queued moves to the end.
std::optional<std::uint32_t> FlowTable::first_of(Queue queue, std::uint32_t now) noexcept {
  const auto ends = static_cast<std::uint32_t>(slots_.size()) + queue;
  for (int moved = 0; places_[ends].next != ends; ++moved) {
    const std::uint32_t index = places_[ends].next;
    const std::uint32_t last = slots_[index].last_packet.load(std::memory_order_relaxed);
    if (places_[index].last_packet == last || is_silent(index, now) || moved == most_moved) return index;
    leave(queue, index);
    enter(queue, index);
  }
  return std::nullopt;
}

bool FlowTable::is_silent(std::uint32_t index, std::uint32_t now) const noexcept {
  return idle_time(slots_[index], now) >= timeouts_.idle_when_full;
}

FlowTable::Queue FlowTable::queue_of(const Slot& slot) noexcept {
  switch (slot.state.load(std::memory_order_relaxed)) {
    case FlowState::opening:
      return slot.begun.load(std::memory_order_relaxed) == Direction::out ? unanswered_inside
                                                                          : unanswered_outside;
    case FlowState::established:
      return slot.protocol() == wire::next_header::tcp ? no_queue : answered;
    case FlowState::closing:
    case FlowState::closed:
      return over;
  }
  return no_queue;
}

/// Appends the flow to the queue.
void FlowTable::enter(Queue queue, std::uint32_t index) noexcept {
  if (queue == no_queue) return;
  const auto ends = static_cast<std::uint32_t>(slots_.size()) + queue;
  const std::uint32_t last = places_[ends].previous;
  places_[index] = {.previous = last,
                    .next = ends,
                    .last_packet = slots_[index].last_packet.load(std::memory_order_relaxed)};
  places_[last].next = index;
  places_[ends].previous = index;
  ++queued_[queue];
}

void FlowTable::leave(Queue queue, std::uint32_t index) noexcept {
  if (queue == no_queue) return;
  const Place& place = places_[index];
  places_[place.previous].next = place.next;
  places_[place.next].previous = place.previous;
  --queued_[queue];
}

}  // namespace sixin4::engine
