// Packets of a running endpoint, written or printed as the verbs `capture` and `recorder` ask.
#pragma once

#include "capture_plan.hpp"
#include "extcap_toolbar.hpp"

namespace sixin4::cli {

/// Captures until the count is reached, the endpoint ends, a signal arrives, or the reader of the output is
/// gone. `toolbar` may change the selection of packets; null: no toolbar. Throws base::ConfigurationError,
/// control::NoSuchEndpoint or std::system_error.
void capture_live(CapturePlan plan, ExtcapToolbar* toolbar);

/// Writes the packets that the flight recorder has now. Throws the same.
void capture_recorded(CapturePlan plan);

}  // namespace sixin4::cli
