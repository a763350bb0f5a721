// Puts IPv4 fragments together again (RFC 791 §3.2), as the receiving host's kernel does.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <list>
#include <optional>
#include <vector>

#include "sixin4/wire/address.hpp"
#include "sixin4/wire/bytes.hpp"
#include "sixin4/wire/ipv4.hpp"

namespace sixin4::capture {

struct Reassembled {
  wire::Bytes packet;      ///< up to the first byte that the capture has not kept; valid until the next `add`
  std::size_t length = 0;  ///< of the whole packet
  std::uint32_t fragments = 0;  ///< that it was made of
};

/// Keeps a bounded number of bytes: where there is no room for more, the oldest packet goes.
class FragmentAssembler {
 public:
  static constexpr std::size_t most_bytes = std::size_t{4} << 20U;  ///< Linux' ipfrag_high_thresh
  static constexpr std::chrono::seconds lifetime{30};               ///< Linux' ipfrag_time

  /// `fragment` is what the capture has of one, an IPv4 header that `Ipv4Header::begins` accepts in front.
  /// `time` is the capture's. Nothing until the packet is whole.
  [[nodiscard]] std::optional<Reassembled> add(wire::Bytes fragment, std::chrono::nanoseconds time);

  /// Fragments whose packets never became whole: too late, overlapping, contradicting each other, or no room
  /// was left for them. With those that still wait.
  [[nodiscard]] std::uint64_t left_over() const noexcept;

 private:
  struct Range {
    std::size_t begin = 0;
    std::size_t end = 0;
  };
  /// A packet of which some is there.
  struct Pieces {
    wire::Source<wire::Ipv4Address> source;
    wire::Destination<wire::Ipv4Address> destination;
    std::uint16_t identification = 0;
    std::uint8_t protocol = 0;
    std::chrono::nanoseconds since{};
    std::vector<std::uint8_t> header{};   ///< the first fragment's
    std::vector<std::uint8_t> payload{};  ///< with zeros where nothing has come yet
    std::vector<Range> there{};           ///< in order, none touching another
    std::optional<std::size_t> length{};  ///< of the payload; nothing: the last one has not come yet
    std::size_t kept = SIZE_MAX;  ///< payload bytes in front of the first that the capture has not kept
    bool congestion = false;      ///< one was marked CE, so that the packet is (RFC 3168 §5.3)
    std::uint32_t fragments = 0;

    [[nodiscard]] bool is_of(const wire::Ipv4Header& fragment) const noexcept;
    [[nodiscard]] bool is_whole() const noexcept;
    [[nodiscard]] std::size_t memory() const noexcept;
  };
  enum class Fit : std::uint8_t { new_bytes, duplicate, contradiction };

  [[nodiscard]] static Fit put(Pieces& pieces, wire::Bytes fragment, const wire::Ipv4Header& header);
  void give_up(std::list<Pieces>::iterator pieces) noexcept;
  [[nodiscard]] Reassembled finish(const Pieces& pieces);

  std::list<Pieces> waiting_;  ///< the oldest first
  std::size_t bytes_ = 0;      ///< of all that wait
  std::uint64_t given_up_ = 0;
  std::vector<std::uint8_t> whole_;
};

}  // namespace sixin4::capture
