// Failed system calls as exceptions.
#pragma once

#include <cerrno>
#include <string>
#include <system_error>

namespace sixin4::base {

/// To throw after a system call that failed: `cannot open /dev/net/tun: Permission denied`. The error is that
/// of errno unless another one is given.
[[nodiscard]] inline std::system_error system_failure(const std::string& what, int error = errno) {
  return {error, std::generic_category(), what};
}

}  // namespace sixin4::base
