// TCP flows between the two sides: goodput, and a check of the received bytes.
#pragma once

#include <cstdint>
#include <optional>

#include "sixin4/testbed/process.hpp"

#include "bed.hpp"

namespace sixin4::testbed {

struct FlowNumbers {
  int outward = 0;  ///< flows in which near sends
  int inward = 0;   ///< flows in which far sends
};

/// Bytes of all flows of one side.
struct FlowCounts {
  std::uint64_t sent = 0;
  std::uint64_t received = 0;
  std::uint64_t received_in_time = 0;  ///< before the end of the measurement
  bool complete = false;               ///< every received flow was received up to its FIN
};

/// Runs the flows in two child processes, which its destructor ends.
class TcpFlows {
 public:
  /// Returns when both processes run. They send for `seconds`, counted from the first byte.
  TcpFlows(const Bed& bed, FlowNumbers numbers, double seconds);

  struct Result {
    double bits_per_second = 0;  ///< goodput, both directions together
    std::uint64_t bytes = 0;     ///< received, including those after the end of the measurement
  };
  /// Waits for both processes. Throws WrongData if the received bytes differ from the sent ones,
  /// std::runtime_error if a connection fails or nothing arrives.
  [[nodiscard]] Result finish();

 private:
  double seconds_;
  Job<FlowCounts> far_;
  std::optional<Job<FlowCounts>> near_;
};

}  // namespace sixin4::testbed
