// The engine reads no clock: it is told the time.
#pragma once

#include <chrono>

namespace sixin4::engine {

using Time = std::chrono::steady_clock::time_point;

}  // namespace sixin4::engine
