// The keys of the configuration: how each is read, checked and written.
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
  const char* value;  ///< placeholder of the value in the help text
  const char* meaning;
  std::function<void(Configuration&, const std::string&)> set;  ///< adds a value if the key repeats
  std::function<Values(const Configuration&)> get;              ///< empty: the key is not set
};

/// The table of all keys. File, command line, help and `check` use it.
[[nodiscard]] const std::vector<Key>& keys();

}  // namespace sixin4::config
