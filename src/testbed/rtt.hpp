// Round trips of small datagrams through the tunnel.
#pragma once

#include "bed.hpp"

namespace sixin4::testbed {

struct RoundTrips {
  double median_us = 0;  ///< in microseconds
  double p99_us = 0;     ///< the 99th percentile, in microseconds
};

/// Sends a datagram of 56 bytes every 5 ms from near to far and back. Throws std::runtime_error if half of
/// the answers or more are lost, WrongData for an answer with other bytes.
[[nodiscard]] RoundTrips measure_round_trips(const Bed& bed, double seconds);

}  // namespace sixin4::testbed
