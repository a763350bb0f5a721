// Puts IPv4 fragments together again (RFC 791 §3.2), as the receiving host's kernel does.
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
  wire::Bytes packet;      ///< up to the first byte that the capture has not kept; valid until the next `add`
  std::size_t length = 0;  ///< of the whole packet
  std::uint32_t fragments = 0;  ///< that it was made of
};

/// What tells the fragments of one packet from those of others (RFC 791 §3.2).
struct Ipv4FragmentKey {
  wire::Source<wire::Ipv4Address> source;
  wire::Destination<wire::Ipv4Address> destination;
  std::uint16_t identification = 0;
  std::uint8_t protocol = 0;

  friend bool operator==(const Ipv4FragmentKey&, const Ipv4FragmentKey&) = default;
};

/// A packet that never became whole.
struct IncompletePacket {
  Ipv4FragmentKey key;
  std::chrono::nanoseconds time{};  ///< of its last fragment
  std::uint32_t fragments = 0;      ///< that came
  bool malformed = false;           ///< they contradict each other, or nobody may put them together
};

/// Keeps a bounded number of bytes: where there is no room for more, the oldest packet goes.
class FragmentAssembler {
 public:
  static constexpr std::size_t most_bytes = std::size_t{4} << 20U;  ///< Linux' ipfrag_high_thresh
  static constexpr std::chrono::seconds lifetime{30};               ///< Linux' ipfrag_time

  /// `fragment` is what the capture has of one, an IPv4 header that `Ipv4Header::begins` accepts in front.
  /// `time` is the capture's. Nothing until the packet is whole.
  [[nodiscard]] std::optional<Reassembled> add(wire::Bytes fragment, std::chrono::nanoseconds time);

  /// No more will come: what waits is given up.
  void finish();

  /// Packets that the last call has given up: too late, overlapping, contradicting each other, or no room was
  /// left for them. Valid until the next.
  [[nodiscard]] std::span<const IncompletePacket> given_up() const noexcept { return given_up_; }
  /// Fragments of such packets, and of those that still wait. One that comes twice is none.
  [[nodiscard]] std::uint64_t left_over() const noexcept;

 private:
  struct Range {
    std::size_t begin = 0;
    std::size_t end = 0;
  };
  /// A packet of which some is there.
  struct Pieces {
    Ipv4FragmentKey key;
    std::chrono::nanoseconds since{};
    std::chrono::nanoseconds latest{};
    std::vector<std::uint8_t> header{};   ///< the first fragment's
    std::vector<std::uint8_t> payload{};  ///< with zeros where nothing has come yet
    std::vector<Range> there{};           ///< in order, none touching another
    std::optional<std::size_t> length{};  ///< of the payload; nothing: the last one has not come yet
    std::size_t kept = SIZE_MAX;  ///< payload bytes in front of the first that the capture has not kept
    unsigned ecn = 0;             ///< a bit for each ECN field that a fragment had
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
  [[nodiscard]] static Fit put(Pieces& pieces, wire::Bytes fragment, const wire::Ipv4Header& header);
  void give_up(Waiting::iterator pieces, bool malformed);
  void forget(Waiting::iterator pieces) noexcept;
  [[nodiscard]] Reassembled join(const Pieces& pieces);

  Waiting waiting_;  ///< the oldest first
  std::unordered_map<Ipv4FragmentKey, Waiting::iterator, Hash> by_key_;
  std::size_t bytes_ = 0;  ///< of all that wait
  std::vector<IncompletePacket> given_up_;
  std::uint64_t fragments_given_up_ = 0;
  std::vector<std::uint8_t> whole_;
};

}  // namespace sixin4::dissect
