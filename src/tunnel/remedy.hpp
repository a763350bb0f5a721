// Advice at the end of a message about a failed system call.
#pragma once

#include <string>
#include <system_error>

namespace sixin4::tunnel {

/// The change that lets the call succeed, as far as the error shows it; empty: none. require_capabilities()
/// has run before, so EPERM does not mean a missing capability.
[[nodiscard]] inline std::string remedy_for(const std::error_code& error) {
  using enum std::errc;
  if (error == operation_not_permitted) {
    return ": the program has its capabilities, so a seccomp profile or a security module forbids the call "
           "and must allow it";
  }
  if (error == function_not_supported || error == invalid_argument || error == no_protocol_option ||
      error == operation_not_supported || error == address_family_not_supported ||
      error == protocol_not_supported) {
    return ": if all values are right, the kernel or the sandbox around the program must support this call";
  }
  if (error == too_many_files_open || error == too_many_files_open_in_system) {
    return ": needs a higher limit of open files";
  }
  return {};
}

}  // namespace sixin4::tunnel
