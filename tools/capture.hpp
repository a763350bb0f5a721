// The verbs `capture` and `recorder`: what a running endpoint sees, live or from its flight recorder, as
// pcapng or a line a packet.
#pragma once

#include <string>
#include <vector>

#include "capture_plan.hpp"
#include "extcap_toolbar.hpp"

namespace sixin4 {

/// Until the count is reached, the endpoint ends, a signal comes or nobody reads what is written. Throws
/// base::ConfigurationError, control::NoSuchEndpoint, or std::system_error where the system refuses.
/// `toolbar` may change what is taken; there may be none.
void run_capture(CapturePlan plan, ExtcapToolbar* toolbar = nullptr);
void run_capture(const std::vector<std::string>& arguments);
/// What there is now. Throws the same.
void run_recorder(const std::vector<std::string>& arguments);

[[nodiscard]] std::string describe_capture();
[[nodiscard]] std::string describe_recorder();

}  // namespace sixin4
