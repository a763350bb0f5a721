// TCP flows between the two sides, and what arrives of them.
#pragma once

#include <cstdint>
#include <optional>

#include "sixin4/testbed/process.hpp"

#include "bed.hpp"

namespace sixin4::testbed {

struct FlowNumbers {
  int outward = 0;  ///< near sends
  int inward = 0;   ///< far sends
};

struct FlowCounts {
  std::uint64_t sent = 0;
  std::uint64_t received = 0;
  std::uint64_t received_in_time = 0;
  bool to_the_end = false;  ///< every flow that is received was received to its end
};

/// Flows that run while this lives. What they consist of is checked on its way in.
class TcpFlows {
 public:
  /// Returns when both programs run; they send for `seconds`.
  TcpFlows(const Bed& bed, FlowNumbers numbers, double seconds);

  struct Result {
    double bits_per_second = 0;  ///< goodput, both directions together
    std::uint64_t bytes = 0;     ///< all that has arrived, also after the time
  };
  /// Waits for their end. Throws where nothing, or something else, has arrived.
  [[nodiscard]] Result finish();

 private:
  double seconds_;
  Job<FlowCounts> far_;
  std::optional<Job<FlowCounts>> near_;
};

}  // namespace sixin4::testbed
