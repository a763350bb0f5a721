// Round trips of small datagrams through the tunnel.
#pragma once

#include "bed.hpp"

namespace sixin4::testbed {

struct RoundTrips {
  double median_us = 0;
  double p99_us = 0;
};

/// One datagram there and back, every 5 ms. Throws where more than half of them are lost, or another answer
/// comes.
[[nodiscard]] RoundTrips measure_round_trips(const Bed& bed, double seconds);

}  // namespace sixin4::testbed
