// The flows that source rules have judged, so that each keeps its address for its life.
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
#include "sixin4/wire/address.hpp"

namespace sixin4::engine {

/// How far a flow has come. Of other protocols than TCP only the first two.
enum class FlowState : std::uint8_t {
  opening,      ///< nothing has come back yet
  established,  ///< packets went both ways
  closing,      ///< TCP: both sides have sent FIN
  closed,       ///< TCP: a RST was seen, and nothing outward since
};

/// What a packet tells of its flow beside that it lives.
struct FlowSignals {
  bool answer = false;  ///< whoever did not begin the flow takes part in it
  bool begins = false;  ///< of TCP: SYN without ACK
  bool fin = false;
  bool rst = false;
};

/// How long a flow without packets stays in the table.
struct FlowTimeouts {
  std::chrono::seconds tcp_opening{240};       ///< RFC 5382 REQ-5: 4 minutes
  std::chrono::seconds tcp_established{7440};  ///< RFC 5382 REQ-5: 2 hours 4 minutes
  std::chrono::seconds tcp_closing{240};       ///< RFC 5382 REQ-5
  std::chrono::seconds tcp_closed{10};
  std::chrono::seconds udp{120};  ///< RFC 4787 REQ-5: 2 minutes
  std::chrono::seconds icmpv6{30};
  std::chrono::seconds other{600};
  /// In a full table an answered flow that is no TCP connection makes room after so much silence.
  std::chrono::seconds idle_when_full{5};
};

/// Bounded, and for any number of threads. A packet of a flow that is there takes no lock: it reads its flow
/// and marks it as alive. Flows begin, change their state and end under one.
///
/// Each flow has an inside key, which its packets have in front of the tunnel, and an outside key, whose
/// local address is the one that they have in it. No two flows share either.
///
/// A new flow in a full table takes the place of another one, the first that there is in this order:
/// 1. a TCP connection that is over (closing, closed) and has been silent for `idle_when_full`;
/// 2. an unanswered flow of any protocol, at once. A flow that was begun outside goes where those are more
///    than an eighth of the unanswered ones, else a flow that was begun inside: in a flood from inside the
///    servers here can still answer, and a flood from outside costs programs here an eighth at most;
/// 3. any other TCP connection that is over;
/// 4. an answered flow of another protocol than TCP that has been silent for `idle_when_full`.
///
/// Of each kind the flow goes that has been silent for longest, to within some packets. Established TCP
/// connections stay. A flow that begins outside takes no place of the third and fourth kind, and of the
/// unanswered flows from inside none beyond that eighth.
class FlowTable {
 public:
  /// `seed` is a secret: whoever knows it could choose flows that are slow to find.
  FlowTable(std::uint32_t bound, std::uint64_t seed, const FlowTimeouts& timeouts = {});

  /// A flow that was found, as it was then; false where there was none.
  struct Found {
    wire::Ipv6Address other{};  ///< the local address of its key on the side where it was not looked for
    bool rewritten = false;     ///< that is another one than on this side
    FlowState state = FlowState::opening;
    Direction begun = Direction::out;  ///< direction of the flow's first packet
    std::uint32_t slot = 0;
    std::uint32_t version = nowhere;  ///< of the slot: what is begun there later has another
    [[nodiscard]] explicit operator bool() const noexcept { return version != nowhere; }
  };
  /// The version of no flow: theirs are even.
  static constexpr std::uint32_t nowhere = 1;

  /// Of a packet of the flow, which keeps it alive.
  [[nodiscard]] Found find_inside(const FlowKey& key, Time now) noexcept;
  [[nodiscard]] Found find_outside(const FlowKey& key, Time now) noexcept;
  /// Of a packet that an error quotes: it says nothing of whether its flow lives.
  [[nodiscard]] Found look_inside(const FlowKey& key) const noexcept;
  [[nodiscard]] Found look_outside(const FlowKey& key) const noexcept;

  enum class Refusal : std::uint8_t {
    none,
    table_full,
    pool_exhausted,  ///< with each address that it may have the flow would be one that is there
    rejected,        ///< by a rule
  };
  struct Begun {
    Refusal refusal = Refusal::none;
    Found flow{};  ///< where it is not refused
  };
  /// Begins the flow of an outward packet as `rules` say, or finds it where another thread was first.
  [[nodiscard]] Begun begin_inside(const FlowKey& inside, const SourceRules& rules, Time now) noexcept;
  /// Begins a flow of which a packet came from outside. Its address is kept, because the far end has named
  /// it. Where a full table has no place for it, nothing happens.
  void begin_outside(const FlowKey& outside, Time now) noexcept;

  /// Takes the signals of a packet of a flow that was found. Most say nothing new.
  void note(const Found& flow, Direction direction, const FlowSignals& signals) noexcept {
    const bool first_answer = signals.answer && flow.state == FlowState::opening;
    const bool revived = direction == Direction::out && flow.state == FlowState::closed;
    if (first_answer || revived || signals.fin || signals.rst) change_state(flow, direction, signals);
  }
  /// Takes a flow out, a TCP connection for example whose ports begin another one.
  void end(const Found& flow) noexcept;
  /// Takes out what is past its time.
  void expire(Time now) noexcept;

  [[nodiscard]] std::uint32_t size() const noexcept { return size_.load(std::memory_order_relaxed); }
  [[nodiscard]] std::uint32_t bound() const noexcept { return static_cast<std::uint32_t>(slots_.size()); }

  /// For people to see.
  struct Listed {
    FlowKey inside;
    wire::Ipv6Address outside;
    FlowState state = FlowState::opening;
    std::uint16_t rule = 0;            ///< number of the rule that chose the address; 0: none did
    Direction begun = Direction::out;  ///< direction of the first packet
    std::chrono::seconds idle{};
  };
  /// What is in `count` slots from `first` on, of `bound()`.
  [[nodiscard]] std::vector<Listed> list(std::uint32_t first, std::uint32_t count, Time now) const;

 private:
  static constexpr std::size_t key_words = 5;
  using Words = std::array<std::uint64_t, key_words>;
  enum Side : std::uint8_t { inside_side, outside_side };

  /// An address in the machine's words, as it stands in memory.
  using AtomicAddress = std::array<std::atomic<std::uint64_t>, 2>;

  /// What readers without the lock look at is atomic. The words are written while `version` is odd.
  struct Slot {
    std::array<AtomicAddress, 2> local{};  ///< of the inside and of the outside key
    AtomicAddress remote{};
    std::atomic<std::uint64_t> ports_and_protocol = 0;
    std::array<std::atomic<std::uint32_t>, 2> next{};  ///< in the chain of each side: slot + 1, 0: none
    std::atomic<std::uint32_t> version = 0;            ///< odd: nothing is here, or it is being written
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
  /// The flows that may make room, by kind; each flow is in one queue at most.
  enum Queue : std::uint8_t { unanswered_inside, unanswered_outside, over, answered, no_queue };
  static constexpr std::size_t queue_count = no_queue;
  /// A flow's neighbours in its queue. Apart from the slots, so that those stay small for look-ups.
  struct Place {
    std::uint32_t before = 0;
    std::uint32_t behind = 0;
    std::uint32_t last_packet = 0;  ///< of the flow, when it came to this place
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
  void mark_alive(const Found& flow, std::uint32_t now) noexcept;
  [[nodiscard]] static std::chrono::seconds idle_time(const Slot& slot, std::uint32_t now) noexcept;
  [[nodiscard]] std::chrono::seconds timeout_of(const Slot& slot) const noexcept;

  // With the lock held.
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
  void begin_chain_change() noexcept;
  void end_chain_change() noexcept;
  void link(Side side, std::uint32_t index) noexcept;
  void unlink(Side side, std::uint32_t index) noexcept;
  [[nodiscard]] static Words words_of(Side side, const Slot& slot) noexcept;

  const std::uint64_t seed_;
  std::array<std::uint64_t, 2 * key_words + 1> factors_{};  ///< of the hash
  const FlowTimeouts timeouts_;
  std::vector<Slot> slots_;
  std::array<std::vector<std::atomic<std::uint32_t>>, 2> buckets_;  ///< slot + 1 that a chain begins with
  std::atomic<std::uint32_t> size_ = 0;
  std::atomic<std::uint64_t> chain_changes_ = 0;  ///< odd while a chain is being changed
  std::atomic<std::uint64_t> drawn_ = 0;

  mutable std::mutex mutex_;
  std::vector<std::uint32_t> free_;
  std::vector<Place> places_;  ///< of the slots, and behind them where each queue begins and ends
  std::array<std::uint32_t, queue_count> queued_{};
};

}  // namespace sixin4::engine
