// The services of the kernel that the program can do without.
#pragma once

#include <map>
#include <string>

namespace sixin4::io {

/// By name: nothing where a service is in force, and the reason where it is not.
using Features = std::map<std::string, std::string>;

/// Adds those of another descriptor for the same purpose: a service that one of them lacks is missing.
inline void merge(const Features& more, Features& features) {
  for (const auto& [name, missing] : more) {
    std::string& known = features[name];
    if (known.empty()) known = missing;
  }
}

}  // namespace sixin4::io
