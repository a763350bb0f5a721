// What the operating system has refused, as an exception.
#pragma once

#include <cerrno>
#include <string>
#include <system_error>

namespace sixin4::bench {

/// For the failure that errno tells of; `what` names the call, the object, and what would allow it.
[[nodiscard]] inline std::system_error refused(const std::string& what) {
  return {errno, std::generic_category(), what};
}

}  // namespace sixin4::bench
