// `show --watch`: asks running endpoints at an interval and shows rates.
#pragma once

#include <chrono>
#include <optional>

#include "sixin4/base/options.hpp"
#include "sixin4/cli/endpoint_argument.hpp"

namespace sixin4::cli {

struct WatchPlan {
  std::optional<EndpointArgument> endpoint{};  ///< nullopt: all endpoints
  bool json = false;
  std::chrono::milliseconds interval{1000};
};

/// Reads the arguments of `show`. Throws base::ConfigurationError.
[[nodiscard]] WatchPlan watch_plan_of(const base::Arguments& arguments);

/// Draws in place on a terminal, until a signal or the key `q` ends it. Elsewhere prints block after block
/// until a signal ends the program. Throws std::system_error if a system call fails.
void run_watch(const WatchPlan& plan);

}  // namespace sixin4::cli
