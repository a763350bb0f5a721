// The highest rate of UDP datagrams that passes without loss.
#pragma once

#include <cstdint>
#include <functional>

#include "bench/bed.hpp"

namespace sixin4::bench {

struct DatagramKind {
  std::size_t size = 0;    ///< bytes of UDP payload
  std::size_t a_call = 1;  ///< more than one: UDP segmentation offload here, UDP receive offload there
};

struct TrialCounts {
  std::uint64_t sent = 0;
  std::uint64_t received = 0;
  double seconds = 0;  ///< how long it took to send
};

/// One trial at an offered rate. Throws WrongData where a datagram is not what was sent, or comes twice.
[[nodiscard]] TrialCounts try_rate(const Bed& bed, DatagramKind kind, double rate, double seconds);

/// The highest rate that `trial` passes with at most one datagram in a thousand lost: datagrams a second that
/// arrived, 0 where there is none. A trial that fails is repeated once: the machine may have been elsewhere.
[[nodiscard]] double highest_rate(const std::function<TrialCounts(double rate)>& trial);

}  // namespace sixin4::bench
