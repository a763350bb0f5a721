// The configuration's keys: how each is read, checked and written back.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "sixin4/config/configuration.hpp"

namespace sixin4::config {

using Values = std::vector<std::string>;

struct Key {
  const char* name;
  bool repeats;
  const char* value;  ///< how the help text names the value
  const char* meaning;
  std::function<void(Configuration&, const std::string&)> set;  ///< adds, where the key repeats
  std::function<Values(const Configuration&)> get;              ///< none: not set
};

/// The one place that knows the keys: file, command line, help and `check` all go through this table.
[[nodiscard]] const std::vector<Key>& keys();

}  // namespace sixin4::config
