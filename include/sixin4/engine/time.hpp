// The engine reads no clock: time is an argument.
#pragma once

#include <chrono>

namespace sixin4::engine {

using Time = std::chrono::steady_clock::time_point;

}  // namespace sixin4::engine
