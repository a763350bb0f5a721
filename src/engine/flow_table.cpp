#include "sixin4/engine/flow_table.hpp"

#include <algorithm>
#include <bit>

#include "sixin4/engine/mix.hpp"
#include "sixin4/wire/ipv6.hpp"

namespace sixin4::engine {

namespace {

// Limit of the slots that a reader without the lock visits. If slots are reused while it walks a chain, it
// may wander into other chains without end; it then retries under the lock.
constexpr std::size_t longest_walk = 4096;

using AddressWords = std::array<std::uint64_t, 2>;

AddressWords words_of(const wire::Ipv6Address& address) noexcept {
  return std::bit_cast<AddressWords>(address);
}

void store_address(std::array<std::atomic<std::uint64_t>, 2>& to, const wire::Ipv6Address& address) noexcept {
  const AddressWords words = words_of(address);
  // Release: a reader that sees one of these words also sees that the version had become odd before.
  to[0].store(words[0], std::memory_order_release);
  to[1].store(words[1], std::memory_order_release);
}

AddressWords load_words(const std::array<std::atomic<std::uint64_t>, 2>& from) noexcept {
  return {from[0].load(std::memory_order_acquire), from[1].load(std::memory_order_acquire)};
}

wire::Ipv6Address load_address(const std::array<std::atomic<std::uint64_t>, 2>& from) noexcept {
  return std::bit_cast<wire::Ipv6Address>(load_words(from));
}

std::uint64_t packed(const FlowKey& key) noexcept {
  return std::uint64_t{key.local_port} << 32U | std::uint64_t{key.remote_port} << 16U | key.protocol;
}

}  // namespace

FlowTable::FlowTable(std::uint32_t bound, std::uint64_t seed, const FlowTimeouts& timeouts)
    : seed_(seed), timeouts_(timeouts), slots_(bound), places_(std::size_t{bound} + queue_count) {
  for (std::size_t i = 0; i < factors_.size(); ++i) factors_[i] = mixed(seed + i + 1);
  for (auto& buckets : buckets_) buckets = std::vector<std::atomic<std::uint32_t>>(std::bit_ceil(bound));
  free_.reserve(bound);
  for (std::uint32_t index = bound; index > 0; --index) {
    slots_[index - 1].version.store(1, std::memory_order_relaxed);
    free_.push_back(index - 1);
  }
  for (std::size_t queue = 0; queue < queue_count; ++queue) {
    const auto ends = static_cast<std::uint32_t>(bound + queue);
    places_[ends] = {.previous = ends, .next = ends};
  }
}

// Every packet passes through these functions. They are inline, so that the compiler makes one function of
// them.

inline FlowTable::Words FlowTable::words_of(const FlowKey& key) noexcept {
  const AddressWords local = engine::words_of(key.local);
  const AddressWords remote = engine::words_of(key.remote);
  return {local[0], local[1], remote[0], remote[1], packed(key)};
}

/// Multilinear-HM hashing (Lemire and Kaser, "Strongly universal string hashing is fast"): keys that collide
/// cannot be chosen without knowing the factors.
inline std::size_t FlowTable::bucket_of(const Words& words) const noexcept {
  const auto product = [&](std::size_t i) noexcept {
    return (factors_[2 * i] + (words[i] >> 32U)) * (factors_[2 * i + 1] + (words[i] & 0xffffffffU));
  };
  // Written out, because g++ 12 does not unroll a loop here.
  static_assert(key_words == 5);
  const std::uint64_t sum = product(0) + product(1) + product(2) + product(3) + product(4) + factors_.back();
  return (sum >> 32U) & (buckets_[0].size() - 1);
}

inline bool FlowTable::holds(Side side, const Slot& slot, const Words& words) noexcept {
  const AtomicAddress& local = slot.local[side];
  constexpr auto acquire = std::memory_order_acquire;
  return local[1].load(acquire) == words[1] && slot.ports_and_protocol.load(acquire) == words[4] &&
         slot.remote[1].load(acquire) == words[3] && slot.remote[0].load(acquire) == words[2] &&
         local[0].load(acquire) == words[0];
}

/// All paths return one variable, so that it is built in the caller's memory: a copy of bytes just written
/// with other word sizes stalls the processor.
inline FlowTable::Found FlowTable::look(Side side, const Words& words, std::size_t most) const noexcept {
  Found found;
  constexpr auto acquire = std::memory_order_acquire;
  std::uint32_t at = buckets_[side][bucket_of(words)].load(acquire);
  for (std::size_t steps = 0; at != 0 && steps < most; ++steps) {
    const Slot& slot = slots_[at - 1];
    const std::uint32_t version = slot.version.load(acquire);
    if (version % 2 == 0 && holds(side, slot, words)) {
      const AddressWords other = load_words(slot.local[side == inside_side ? outside_side : inside_side]);
      found.other = std::bit_cast<wire::Ipv6Address>(other);
      found.rewritten = other[0] != words[0] || other[1] != words[1];
      found.state = slot.state.load(acquire);
      found.begun = slot.begun.load(acquire);
      found.slot = at - 1;
      if (slot.version.load(std::memory_order_relaxed) == version) {
        found.version = version;
        break;
      }
    }
    at = slot.next[side].load(acquire);
  }
  return found;
}

inline FlowTable::Found FlowTable::look_up(Side side, const FlowKey& key) const noexcept {
  const Words words = words_of(key);
  const std::uint64_t changes = chain_changes_.load(std::memory_order_acquire);
  Found found = look(side, words, longest_walk);
  if (found) return found;
  const bool undisturbed = changes % 2 == 0 && chain_changes_.load(std::memory_order_relaxed) == changes;
  if (!undisturbed) {
    // The flow may be in a chain that was changed during the walk.
    const std::lock_guard lock{mutex_};
    found = look_under_lock(side, words);
  }
  return found;
}

inline FlowTable::Found FlowTable::find(Side side, const FlowKey& key, Time now) noexcept {
  Found found = look_up(side, key);
  if (found) {
    // Store only a change: a cache line that is only read stays in the caches of all threads.
    auto& last_packet = slots_[found.slot].last_packet;
    const std::uint32_t second = seconds_of(now);
    if (last_packet.load(std::memory_order_relaxed) != second) {
      last_packet.store(second, std::memory_order_relaxed);
    }
  }
  return found;
}

FlowTable::Found FlowTable::find_inside(const FlowKey& key, Time now) noexcept {
  return find(inside_side, key, now);
}

FlowTable::Found FlowTable::find_outside(const FlowKey& key, Time now) noexcept {
  return find(outside_side, key, now);
}

FlowTable::Found FlowTable::look_inside(const FlowKey& key) const noexcept {
  return look_up(inside_side, key);
}

FlowTable::Found FlowTable::look_outside(const FlowKey& key) const noexcept {
  return look_up(outside_side, key);
}

FlowTable::Begun FlowTable::begin_inside(const FlowKey& inside, const SourceRules& rules, Time now) noexcept {
  const std::uint64_t chance = mixed(seed_ ^ drawn_.fetch_add(1, std::memory_order_relaxed));
  const SourceDecision decision = rules.decide(inside, now, chance);
  if (decision.action == SourceAction::reject) return {.verdict = Verdict::source_rejected};
  const std::lock_guard lock{mutex_};
  if (const Found found = look_under_lock(inside_side, words_of(inside))) return {.flow = found};
  // Choose the address before making room, so that no flow is removed for a flow that is then refused.
  const auto outside = free_address(inside, decision);
  if (!outside) return {.verdict = Verdict::pool_exhausted};
  const std::uint32_t second = seconds_of(now);
  if (!make_room(Direction::out, second)) return {.verdict = Verdict::flow_table_full};
  return {.flow = put(inside, *outside, decision.rule, Direction::out, second)};
}

void FlowTable::begin_outside(const FlowKey& outside, Time now) noexcept {
  const std::lock_guard lock{mutex_};
  const Words words = words_of(outside);
  // If the inside key is taken, its flow has another outside address, so this packet is not of that flow.
  const bool taken = look_under_lock(outside_side, words) || look_under_lock(inside_side, words);
  if (taken || !make_room(Direction::in, seconds_of(now))) return;
  (void)put(outside, outside.local, 0, Direction::in, seconds_of(now));
}

/// Whether the outside key is free. An unanswered flow from outside is removed to free its key, because it
/// may be a flow of this side that the table has lost, or forged to occupy the key. An unanswered TCP flow is
/// kept, because it exists only if this side has sent SYN and ACK.
bool FlowTable::make_free(const FlowKey& outside) noexcept {
  const Found found = look_under_lock(outside_side, words_of(outside));
  if (!found) return true;
  const bool unanswered = found.begun == Direction::in && found.state == FlowState::opening;
  if (!unanswered || outside.protocol == wire::next_header::tcp) return false;
  take_out(found.slot);
  return true;
}

/// Among as many addresses as there are flows, plus one, at least one is free (pigeonhole principle).
std::optional<wire::Ipv6Address> FlowTable::free_address(const FlowKey& inside,
                                                         const SourceDecision& decision) noexcept {
  FlowKey outside = inside;
  if (decision.action == SourceAction::keep) {
    return make_free(outside) ? std::optional{outside.local} : std::nullopt;
  }
  const AddressPool& pool = *decision.pool;
  const std::uint64_t attempts = std::min<std::uint64_t>(pool.size(), std::uint64_t{size()} + 1);
  for (std::uint64_t attempt = 0; attempt < attempts; ++attempt) {
    const std::uint64_t to_end = pool.size() - decision.preferred;
    outside.local = pool.at(attempt < to_end ? decision.preferred + attempt : attempt - to_end);
    if (make_free(outside)) return outside.local;
  }
  return std::nullopt;
}

void FlowTable::change_state(const Found& flow, Direction direction, const FlowSignals& signals) noexcept {
  const std::lock_guard lock{mutex_};
  Slot& slot = slots_[flow.slot];
  if (slot.version.load(std::memory_order_relaxed) != flow.version) return;
  const Queue former = queue_of(slot);
  FlowState state = slot.state.load(std::memory_order_relaxed);
  if (signals.answer && state == FlowState::opening) state = FlowState::established;
  // The host still sends, so it did not accept the RST, which may be forged (RFC 5961).
  if (direction == Direction::out && state == FlowState::closed) {
    state = signals.begins ? FlowState::opening : FlowState::established;
  }
  if (signals.fin) (direction == Direction::out ? slot.fin_out : slot.fin_in) = true;
  if (slot.fin_out && slot.fin_in) state = FlowState::closing;
  if (signals.rst) state = FlowState::closed;
  slot.state.store(state, std::memory_order_relaxed);
  const Queue present = queue_of(slot);
  if (present == former) return;
  leave(former, flow.slot);
  enter(present, flow.slot);
}

void FlowTable::end(const Found& flow) noexcept {
  const std::lock_guard lock{mutex_};
  if (slots_[flow.slot].version.load(std::memory_order_relaxed) == flow.version) take_out(flow.slot);
}

std::vector<FlowTable::Listed> FlowTable::list(std::uint32_t first, std::uint32_t count, Time now) const {
  const std::uint32_t end = first < bound() ? first + std::min(count, bound() - first) : first;
  std::vector<Listed> listed;
  const std::lock_guard lock{mutex_};
  for (std::uint32_t index = first; index < end; ++index) {
    const Slot& slot = slots_[index];
    if (slot.version.load(std::memory_order_relaxed) % 2 != 0) continue;
    const std::uint64_t ports = slot.ports_and_protocol.load(std::memory_order_relaxed);
    listed.push_back({.inside = {.local = load_address(slot.local[inside_side]),
                                 .remote = load_address(slot.remote),
                                 .local_port = static_cast<std::uint16_t>(ports >> 32U),
                                 .remote_port = static_cast<std::uint16_t>(ports >> 16U),
                                 .protocol = slot.protocol()},
                      .outside = load_address(slot.local[outside_side]),
                      .state = slot.state.load(std::memory_order_relaxed),
                      .rule = slot.rule,
                      .begun = slot.begun.load(std::memory_order_relaxed),
                      .idle = idle_time(slot, seconds_of(now))});
  }
  return listed;
}

FlowTable::Words FlowTable::words_of(Side side, const Slot& slot) noexcept {
  const AtomicAddress& local = slot.local[side];
  return {local[0], local[1], slot.remote[0], slot.remote[1], slot.ports_and_protocol};
}

FlowTable::Found FlowTable::look_under_lock(Side side, const Words& words) const noexcept {
  return look(side, words, slots_.size());
}

/// Requires a free slot.
FlowTable::Found FlowTable::put(const FlowKey& inside, const wire::Ipv6Address& outside, std::uint16_t rule,
                                Direction begun, std::uint32_t now) noexcept {
  const std::uint32_t index = free_.back();
  free_.pop_back();
  Slot& slot = slots_[index];
  store_address(slot.local[inside_side], inside.local);
  store_address(slot.local[outside_side], outside);
  store_address(slot.remote, inside.remote);
  slot.ports_and_protocol.store(packed(inside), std::memory_order_release);
  slot.state.store(FlowState::opening, std::memory_order_release);
  slot.begun.store(begun, std::memory_order_release);
  slot.last_packet.store(now, std::memory_order_relaxed);
  slot.fin_out = false;
  slot.fin_in = false;
  slot.rule = rule;
  const std::uint32_t version = slot.version.load(std::memory_order_relaxed) + 1;
  slot.version.store(version, std::memory_order_release);
  link(index);
  enter(queue_of(slot), index);
  size_.fetch_add(1, std::memory_order_relaxed);
  return {.other = outside,
          .rewritten = outside != inside.local,
          .state = FlowState::opening,
          .begun = begun,
          .slot = index,
          .version = version};
}

void FlowTable::take_out(std::uint32_t index) noexcept {
  Slot& slot = slots_[index];
  slot.version.store(slot.version.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
  unlink(index);
  leave(queue_of(slot), index);
  free_.push_back(index);
  size_.fetch_sub(1, std::memory_order_relaxed);
}

/// Called before and after a change. Links are stored with release, so a reader that sees a changed link also
/// sees the odd count.
void FlowTable::count_chain_change() noexcept {
  chain_changes_.store(chain_changes_.load(std::memory_order_relaxed) + 1, std::memory_order_release);
}

void FlowTable::link(std::uint32_t index) noexcept {
  count_chain_change();
  for (const Side side : {inside_side, outside_side}) {
    auto& head = buckets_[side][bucket_of(words_of(side, slots_[index]))];
    slots_[index].next[side].store(head.load(std::memory_order_relaxed), std::memory_order_release);
    head.store(index + 1, std::memory_order_release);
  }
  count_chain_change();
}

void FlowTable::unlink(std::uint32_t index) noexcept {
  count_chain_change();
  for (const Side side : {inside_side, outside_side}) {
    auto* at = &buckets_[side][bucket_of(words_of(side, slots_[index]))];
    while (at->load(std::memory_order_relaxed) != index + 1) {
      at = &slots_[at->load(std::memory_order_relaxed) - 1].next[side];
    }
    at->store(slots_[index].next[side].load(std::memory_order_relaxed), std::memory_order_release);
  }
  count_chain_change();
}

}  // namespace sixin4::engine
