// `show --watch`: looks at running endpoints again and again.
#pragma once

#include <chrono>
#include <string>

#include "sixin4/base/options.hpp"

namespace sixin4 {

struct WatchPlan {
  std::string name{};  ///< of the one endpoint; empty: all
  std::string path{};  ///< of its control socket
  bool json = false;
  std::chrono::milliseconds interval{1000};
};

/// Of the verb `show`. Throws base::ConfigurationError.
[[nodiscard]] WatchPlan watch_plan_of(const base::Arguments& arguments);

/// In place on a terminal, else one block after the other, until a signal comes or, on a terminal, the key
/// `q`. Throws std::system_error where the system refuses.
void run_watch(const WatchPlan& plan);

}  // namespace sixin4
