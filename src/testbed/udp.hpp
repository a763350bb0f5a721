// The highest rate of UDP datagrams that passes without loss.
#pragma once

#include <cstddef>

#include "sixin4/testbed/rate_search.hpp"

#include "bed.hpp"

namespace sixin4::testbed {

struct DatagramKind {
  std::size_t size = 0;    ///< bytes of UDP payload
  std::size_t a_call = 1;  ///< more than one: UDP segmentation offload here, UDP receive offload there
};

/// One trial at an offered rate. Throws WrongData where a datagram is not what was sent, or comes twice.
[[nodiscard]] TrialCounts try_rate(const Bed& bed, DatagramKind kind, double rate, double seconds);

}  // namespace sixin4::testbed
