// Reassembles IPv4 fragments (RFC 791 §3.2) by the rules of the Linux kernel.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <list>
#include <optional>
#include <span>
#include <unordered_map>
#include <vector>

#include "sixin4/wire/address.hpp"
#include "sixin4/wire/bytes.hpp"
#include "sixin4/wire/ipv4.hpp"

namespace sixin4::dissect {

struct Reassembled {
  wire::Bytes packet;           ///< up to the first byte that was not captured; valid until the next `add`
  std::size_t length = 0;       ///< of the whole packet
  std::uint32_t fragments = 0;  ///< number of its fragments
};

/// Identifies the packet of a fragment (RFC 791 §3.2).
struct Ipv4FragmentKey {
  wire::Source<wire::Ipv4Address> source;
  wire::Destination<wire::Ipv4Address> destination;
  std::uint16_t identification = 0;
  std::uint8_t protocol = 0;

  friend bool operator==(const Ipv4FragmentKey&, const Ipv4FragmentKey&) = default;
};

/// The fragments of a packet that was given up.
struct IncompletePacket {
  Ipv4FragmentKey key;
  std::chrono::nanoseconds time{};  ///< of the last fragment
  std::uint32_t fragments = 0;      ///< number of its fragments
  bool malformed = false;           ///< they overlap or contradict each other, or must not be joined
};

/// Uses a bounded amount of memory: if it is full, the oldest packet is given up.
class FragmentAssembler {
 public:
  static constexpr std::size_t most_bytes = std::size_t{4} << 20U;  ///< Linux' ipfrag_high_thresh
  static constexpr std::chrono::seconds lifetime{30};               ///< Linux' ipfrag_time

  /// `fragment` holds the captured bytes of a fragment and begins with a whole IPv4 header. `time` is the
  /// time in the capture. Returns the packet if this fragment completes it.
  [[nodiscard]] std::optional<Reassembled> add(wire::Bytes fragment, std::chrono::nanoseconds time);

  /// Gives up all packets that wait for fragments.
  void finish();

  /// Packets that the last call of `add` or `finish` gave up: their lifetime is over, their fragments overlap
  /// or contradict each other, or the memory is full. Valid until the next call.
  [[nodiscard]] std::span<const IncompletePacket> given_up() const noexcept { return given_up_; }
  /// Number of fragments of all packets that were given up or still wait, without duplicates.
  [[nodiscard]] std::uint64_t left_over() const noexcept;

 private:
  struct Range {
    std::size_t begin = 0;
    std::size_t end = 0;
  };
  /// A packet that waits for more fragments.
  struct Pieces {
    Ipv4FragmentKey key;
    std::chrono::nanoseconds since{};     ///< time of the fragment that came first
    std::chrono::nanoseconds latest{};    ///< time of the fragment that came last
    std::vector<std::uint8_t> header{};   ///< of the fragment with offset 0; empty: it has not come
    std::vector<std::uint8_t> payload{};  ///< zeros stand for missing bytes
    std::vector<Range> received{};        ///< of the payload; sorted, with gaps between them
    std::optional<std::size_t> length{};  ///< of the payload; empty: the last fragment has not come
    std::size_t kept = SIZE_MAX;          ///< offset of the first payload byte that was not captured
    unsigned ecn = 0;                     ///< one bit for each ECN codepoint of the fragments
    std::uint32_t fragments = 0;

    [[nodiscard]] bool is_whole() const noexcept;
    [[nodiscard]] std::size_t memory() const noexcept;
  };
  using Waiting = std::list<Pieces>;
  enum class Fit : std::uint8_t { new_bytes, duplicate, contradiction };
  struct Hash {
    std::size_t operator()(const Ipv4FragmentKey& key) const noexcept;
  };

  [[nodiscard]] Waiting::iterator pieces_of(const Ipv4FragmentKey& key, std::chrono::nanoseconds time);
  static void insert(std::vector<Range>& ranges, Range range);
  [[nodiscard]] static Fit put(Pieces& pieces, wire::Bytes fragment, const wire::Ipv4Header& header);
  void give_up(Waiting::iterator pieces, bool malformed);
  void forget(Waiting::iterator pieces) noexcept;
  [[nodiscard]] Reassembled join(const Pieces& pieces);

  Waiting waiting_;  ///< the oldest first
  std::unordered_map<Ipv4FragmentKey, Waiting::iterator, Hash> by_key_;
  std::size_t bytes_ = 0;  ///< memory of all packets that wait
  std::vector<IncompletePacket> given_up_;
  std::uint64_t fragments_given_up_ = 0;
  std::vector<std::uint8_t> whole_;
};

}  // namespace sixin4::dissect
