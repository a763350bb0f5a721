// `show --watch`: looks at running endpoints again and again.
#pragma once

#include <chrono>
#include <optional>

#include "sixin4/base/options.hpp"
#include "sixin4/cli/endpoint_argument.hpp"

namespace sixin4::cli {

struct WatchPlan {
  std::optional<EndpointArgument> endpoint{};  ///< nullopt: all
  bool json = false;
  std::chrono::milliseconds interval{1000};
};

/// Of the verb `show`. Throws base::ConfigurationError.
[[nodiscard]] WatchPlan watch_plan_of(const base::Arguments& arguments);

/// In place on a terminal, else one block after the other, until a signal comes or, on a terminal, the key
/// `q`. Throws std::system_error where the system refuses.
void run_watch(const WatchPlan& plan);

}  // namespace sixin4::cli
