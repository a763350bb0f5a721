// How flows of the table come to their end, and which of them make room in a full one.
#include <algorithm>

#include "sixin4/engine/flow_table.hpp"
#include "sixin4/wire/ipv6.hpp"

namespace sixin4::engine {

namespace {

// Flows that one search through a full table finds for those that follow to take the place of.
constexpr std::size_t candidates_a_search = 4096;
// Slots that `expire` looks at with the lock in hand.
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

/// Another thread may have looked at its clock a little later.
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

FlowTable::Rank FlowTable::rank_of(const Slot& slot, std::uint32_t now) const noexcept {
  const std::chrono::seconds idle = idle_time(slot, now);
  const FlowState state = slot.state.load(std::memory_order_relaxed);
  if (idle >= timeout_of(slot)) return Rank::ended;
  // Nobody here waits for an answer, once there was time to give one.
  if (state == FlowState::opening && !slot.begun_inside.load(std::memory_order_relaxed)) {
    return idle >= timeouts_.unanswered_when_full ? Rank::ended : Rank::stays;
  }
  if (idle < timeouts_.idle_when_full) return Rank::stays;
  if (state == FlowState::closing || state == FlowState::closed) return Rank::ended;
  if (state == FlowState::opening) return Rank::unanswered;
  const bool tcp = slot.protocol() == wire::next_header::tcp;
  return tcp ? Rank::stays : Rank::answered;
}

/// Where nothing is free, what ranks up to `last_to_go` goes.
bool FlowTable::make_room(std::uint32_t now, Rank last_to_go) noexcept {
  for (;;) {
    if (!free_.empty()) return true;
    if (candidates_.empty()) {
      // What has become idle since then did so a second ago at most.
      if (!more_candidates_ && searched_at_ == now) return false;
      search_candidates(now);
      if (candidates_.empty()) return false;
    }
    const Candidate candidate = candidates_.back();
    if (candidate.rank > last_to_go) return false;
    candidates_.pop_back();
    const Slot& slot = slots_[candidate.slot];
    if (slot.version.load(std::memory_order_relaxed) == candidate.version &&
        slot.last_packet.load(std::memory_order_relaxed) == candidate.last_packet &&
        rank_of(slot, now) == candidate.rank) {
      take_out(candidate.slot);
    }
  }
}

/// One search through all slots for many flows to come.
void FlowTable::search_candidates(std::uint32_t now) noexcept {
  for (std::size_t index = 0; index < slots_.size(); ++index) {
    const Slot& slot = slots_[index];
    const Rank rank = rank_of(slot, now);
    if (rank == Rank::stays) continue;
    candidates_.push_back({.slot = static_cast<std::uint32_t>(index),
                           .version = slot.version.load(std::memory_order_relaxed),
                           .last_packet = slot.last_packet.load(std::memory_order_relaxed),
                           .rank = rank});
  }
  const auto goes_later = [](const Candidate& one, const Candidate& other) {
    return one.rank != other.rank ? one.rank > other.rank : one.last_packet > other.last_packet;
  };
  const std::size_t taken = std::min(candidates_.size(), candidates_a_search);
  const auto first = candidates_.end() - static_cast<std::ptrdiff_t>(taken);
  if (first != candidates_.end()) std::nth_element(candidates_.begin(), first, candidates_.end(), goes_later);
  more_candidates_ = first != candidates_.begin();
  candidates_.erase(candidates_.begin(), first);
  std::ranges::sort(candidates_, goes_later);
  searched_at_ = now;
}

}  // namespace sixin4::engine
