// Packets of a running endpoint, written or printed as the verbs `capture` and `recorder` ask.
#pragma once

#include "capture_plan.hpp"
#include "extcap_toolbar.hpp"

namespace sixin4::cli {

/// Until the count is reached, the endpoint ends, a signal comes or nobody reads what is written. `toolbar`
/// may change what is taken; null: there is none. Throws base::ConfigurationError, control::NoSuchEndpoint or
/// std::system_error.
void capture_live(CapturePlan plan, ExtcapToolbar* toolbar);

/// The packets that the flight recorder has now. Throws the same.
void capture_recorded(CapturePlan plan);

}  // namespace sixin4::cli
