// The optional kernel services of a device or socket.
#pragma once

#include <map>
#include <string>

namespace sixin4::io {

/// Maps the name of a service to the reason why it is missing; empty if it is in force.
using Features = std::map<std::string, std::string>;

/// Adds the services of another descriptor for the same purpose: a service that one of them lacks is missing.
inline void merge(const Features& more, Features& features) {
  for (const auto& [name, missing] : more) {
    std::string& reason = features[name];
    if (reason.empty()) reason = missing;
  }
}

}  // namespace sixin4::io
