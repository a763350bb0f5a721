// Trials of UDP datagrams at an offered rate.
#pragma once

#include <cstddef>

#include "sixin4/testbed/rate_search.hpp"

#include "bed.hpp"

namespace sixin4::testbed {

struct DatagramKind {
  std::size_t size = 0;  ///< bytes of UDP payload
  /// Datagrams in a message. Above 1: UDP_SEGMENT at the sender, UDP_GRO at the receiver.
  std::size_t per_call = 1;
};

/// One trial at an offered rate in datagrams per second. Throws WrongData if a datagram has other bytes than
/// were sent or arrives twice, std::runtime_error for other failures.
[[nodiscard]] TrialCounts try_rate(const Bed& bed, DatagramKind kind, double rate, double seconds);

}  // namespace sixin4::testbed
