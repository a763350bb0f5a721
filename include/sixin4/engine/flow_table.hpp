// The table of flows that source rules have judged, so that each flow keeps its source address.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <mutex>
#include <optional>
#include <vector>

#include "sixin4/engine/flow_key.hpp"
#include "sixin4/engine/packet.hpp"
#include "sixin4/engine/source_rules.hpp"
#include "sixin4/engine/time.hpp"
#include "sixin4/engine/verdict.hpp"
#include "sixin4/wire/address.hpp"

namespace sixin4::engine {

/// Other protocols than TCP have the first two states only.
enum class FlowState : std::uint8_t {
  opening,      ///< no answer yet (`FlowSignals::answer`)
  established,  ///< packets went both ways
  closing,      ///< TCP: both sides have sent FIN
  closed,       ///< TCP: a RST was seen, and no outbound packet since
};

/// The events in a packet that may change the state of its flow.
struct FlowSignals {
  bool answer = false;  ///< from the side that did not begin the flow; not the SYN of a TCP handshake
  bool begins = false;  ///< TCP: SYN without ACK
  bool fin = false;
  bool rst = false;
};

/// The silence after which a flow is removed.
struct FlowTimeouts {
  std::chrono::seconds tcp_opening{240};       ///< RFC 5382 REQ-5: 4 minutes
  std::chrono::seconds tcp_established{7440};  ///< RFC 5382 REQ-5: 2 hours 4 minutes
  std::chrono::seconds tcp_closing{240};       ///< RFC 5382 REQ-5
  std::chrono::seconds tcp_closed{10};
  std::chrono::seconds udp{120};  ///< RFC 4787 REQ-5: 2 minutes
  std::chrono::seconds icmpv6{30};
  std::chrono::seconds other{600};
  /// In a full table: the silence after which a TCP connection that is over, or an answered flow of another
  /// protocol, makes room.
  std::chrono::seconds idle_when_full{5};
};

/// A bounded table for any number of threads. A look-up takes no lock, unless it misses while another thread
/// changes the table. Beginning, changing and ending a flow takes the lock.
///
/// Each flow has an inside key, with the local address that the host uses, and an outside key, with the local
/// address that the far end sees. No two flows share either key.
///
/// A new flow in a full table replaces the first one of this list:
/// 1. a TCP connection that is over (closing, closed) and has been silent for `idle_when_full`;
/// 2. an unanswered flow of any protocol, at once: one begun outside if those are more than an eighth of the
///    unanswered flows, else one begun inside. Servers here can still answer during a flood from inside, and
///    a flood from outside takes an eighth of the unanswered flows at most;
/// 3. any other TCP connection that is over;
/// 4. an answered flow of another protocol than TCP that has been silent for `idle_when_full`.
///
/// Within a kind, approximately the flow with the longest silence is replaced. Established TCP connections
/// stay. A flow begun outside replaces no flow of the third and fourth kind. It replaces an unanswered flow
/// begun inside only while those begun outside are less than an eighth of the unanswered flows.
class FlowTable {
 public:
  /// `seed` must be secret, because an attacker who knows it can choose flows that collide in the hash table.
  FlowTable(std::uint32_t bound, std::uint64_t seed, const FlowTimeouts& timeouts = {});

  /// A copy of a flow at the time of the look-up. Converts to false if no flow was found.
  struct Found {
    wire::Ipv6Address other{};  ///< the local address in the key of the other side
    bool rewritten = false;     ///< `other` differs from the local address on this side
    FlowState state = FlowState::opening;
    Direction begun = Direction::out;  ///< direction of the flow's first packet
    std::uint32_t slot = 0;
    std::uint32_t version = nowhere;  ///< the slot's version; a later flow in the same slot has another
    [[nodiscard]] explicit operator bool() const noexcept { return version != nowhere; }
  };
  /// Odd, so that no flow has this version.
  static constexpr std::uint32_t nowhere = 1;

  /// For a packet of the flow: marks the flow as alive.
  [[nodiscard]] Found find_inside(const FlowKey& key, Time now) noexcept;
  [[nodiscard]] Found find_outside(const FlowKey& key, Time now) noexcept;
  /// For a packet quoted by an ICMP error: does not mark the flow as alive.
  [[nodiscard]] Found look_inside(const FlowKey& key) const noexcept;
  [[nodiscard]] Found look_outside(const FlowKey& key) const noexcept;

  struct Begun {
    Verdict verdict = Verdict::pass;  ///< else source_rejected, flow_table_full or pool_exhausted
    Found flow{};                     ///< empty if refused
  };
  /// Begins the flow of an outbound packet as `rules` decide, or finds it if another thread was first.
  [[nodiscard]] Begun begin_inside(const FlowKey& inside, const SourceRules& rules, Time now) noexcept;
  /// Begins a flow from outside: at its first inbound packet, in TCP at the outbound SYN and ACK. Its local
  /// address is kept, because the remote host has sent to it. Does nothing if one of its keys is taken, or a
  /// full table has no place for it.
  void begin_outside(const FlowKey& outside, Time now) noexcept;

  /// Applies the signals of a packet to its flow. Takes the lock only if they may change the state.
  void note(const Found& flow, Direction direction, const FlowSignals& signals) noexcept {
    const bool first_answer = signals.answer && flow.state == FlowState::opening;
    const bool revived = direction == Direction::out && flow.state == FlowState::closed;
    if (first_answer || revived || signals.fin || signals.rst) change_state(flow, direction, signals);
  }
  /// Removes a flow, for example a TCP connection whose ports begin another one.
  void end(const Found& flow) noexcept;
  /// Removes all flows whose timeout has passed.
  void expire(Time now) noexcept;

  [[nodiscard]] std::uint32_t size() const noexcept { return size_.load(std::memory_order_relaxed); }
  [[nodiscard]] std::uint32_t bound() const noexcept { return static_cast<std::uint32_t>(slots_.size()); }

  /// A flow as `list` returns it.
  struct Listed {
    FlowKey inside;
    wire::Ipv6Address outside;
    FlowState state = FlowState::opening;
    std::uint16_t rule = 0;            ///< number of the rule that chose the address; 0: none
    Direction begun = Direction::out;  ///< direction of the first packet
    std::chrono::seconds idle{};
  };
  /// The flows in `count` slots from slot `first` on; fewer slots if `bound()` comes before.
  [[nodiscard]] std::vector<Listed> list(std::uint32_t first, std::uint32_t count, Time now) const;

 private:
  static constexpr std::size_t key_words = 5;
  using Words = std::array<std::uint64_t, key_words>;
  enum Side : std::uint8_t { inside_side, outside_side };

  /// An address as two words in the byte order of memory.
  using AtomicAddress = std::array<std::atomic<std::uint64_t>, 2>;

  /// Threads without the lock use the atomic members only. The key is written while `version` is odd.
  struct Slot {
    std::array<AtomicAddress, 2> local{};  ///< by side
    AtomicAddress remote{};
    std::atomic<std::uint64_t> ports_and_protocol = 0;
    std::array<std::atomic<std::uint32_t>, 2> next{};  ///< in the hash chain of each side: slot + 1, 0: none
    std::atomic<std::uint32_t> version = 0;            ///< odd: empty, or being written
    std::atomic<std::uint32_t> last_packet = 0;        ///< in seconds since the clock's epoch
    std::atomic<FlowState> state = FlowState::opening;
    std::atomic<Direction> begun = Direction::out;  ///< as in Found
    bool fin_out = false;
    bool fin_in = false;
    std::uint16_t rule = 0;

    [[nodiscard]] std::uint8_t protocol() const noexcept {
      return static_cast<std::uint8_t>(ports_and_protocol.load(std::memory_order_relaxed));
    }
  };
  /// The flows that may make room, by kind. A flow is in one queue at most.
  enum Queue : std::uint8_t { unanswered_inside, unanswered_outside, over, answered, no_queue };
  static constexpr std::size_t queue_count = no_queue;
  /// The neighbours of a flow in its queue. Kept apart from `Slot`, so that slots stay small for
  /// look-ups.
  struct Place {
    std::uint32_t previous = 0;
    std::uint32_t next = 0;
    std::uint32_t last_packet = 0;  ///< the flow's `last_packet` when it was queued
  };

  [[nodiscard]] static Words words_of(const FlowKey& key) noexcept;
  [[nodiscard]] std::size_t bucket_of(const Words& words) const noexcept;
  [[nodiscard]] static std::uint32_t seconds_of(Time now) noexcept {
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(now.time_since_epoch());
    return static_cast<std::uint32_t>(seconds.count());
  }

  [[nodiscard]] Found find(Side side, const FlowKey& key, Time now) noexcept;
  [[nodiscard]] Found look_up(Side side, const FlowKey& key) const noexcept;
  [[nodiscard]] Found look(Side side, const Words& words, std::size_t most) const noexcept;
  [[nodiscard]] static bool holds(Side side, const Slot& slot, const Words& words) noexcept;
  void change_state(const Found& flow, Direction direction, const FlowSignals& signals) noexcept;
  [[nodiscard]] static std::chrono::seconds idle_time(const Slot& slot, std::uint32_t now) noexcept;
  [[nodiscard]] std::chrono::seconds timeout_of(const Slot& slot) const noexcept;

  // The following functions require the lock.
  [[nodiscard]] Found look_under_lock(Side side, const Words& words) const noexcept;
  [[nodiscard]] bool make_free(const FlowKey& outside) noexcept;
  [[nodiscard]] std::optional<wire::Ipv6Address> free_address(const FlowKey& inside,
                                                              const SourceDecision& decision) noexcept;
  [[nodiscard]] bool make_room(Direction begun, std::uint32_t now) noexcept;
  [[nodiscard]] std::optional<std::uint32_t> first_to_go(Direction begun, std::uint32_t now) noexcept;
  [[nodiscard]] Queue unanswered_to_go(Direction begun) const noexcept;
  [[nodiscard]] std::optional<std::uint32_t> first_of(Queue queue, std::uint32_t now) noexcept;
  [[nodiscard]] bool is_silent(std::uint32_t index, std::uint32_t now) const noexcept;
  [[nodiscard]] static Queue queue_of(const Slot& slot) noexcept;
  void enter(Queue queue, std::uint32_t index) noexcept;
  void leave(Queue queue, std::uint32_t index) noexcept;
  Found put(const FlowKey& inside, const wire::Ipv6Address& outside, std::uint16_t rule, Direction begun,
            std::uint32_t now) noexcept;
  void take_out(std::uint32_t index) noexcept;
  void count_chain_change() noexcept;
  void link(std::uint32_t index) noexcept;
  void unlink(std::uint32_t index) noexcept;
  [[nodiscard]] static Words words_of(Side side, const Slot& slot) noexcept;

  const std::uint64_t seed_;
  std::array<std::uint64_t, 2 * key_words + 1> factors_{};  ///< of the hash
  const FlowTimeouts timeouts_;
  std::vector<Slot> slots_;
  std::array<std::vector<std::atomic<std::uint32_t>>, 2>
      buckets_;  ///< start of hash chains: slot + 1, 0: none
  std::atomic<std::uint32_t> size_ = 0;
  std::atomic<std::uint64_t> chain_changes_ = 0;  ///< odd while a hash chain is being changed
  std::atomic<std::uint64_t> drawn_ = 0;

  mutable std::mutex mutex_;
  std::vector<std::uint32_t> free_;
  std::vector<Place> places_;  ///< by slot; then one per queue: `previous` is its last flow, `next` its first
  std::array<std::uint32_t, queue_count> queued_{};
};

}  // namespace sixin4::engine
