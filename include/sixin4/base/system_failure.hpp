// Exceptions for failed system calls.
#pragma once

#include <cerrno>
#include <string>
#include <system_error>

namespace sixin4::base {

/// The exception of a failed system call, with a message like `cannot open /dev/net/tun: Permission denied`.
/// `error` is an errno.
[[nodiscard]] inline std::system_error system_failure(const std::string& action, int error = errno) {
  return {error, std::generic_category(), action};
}

}  // namespace sixin4::base
