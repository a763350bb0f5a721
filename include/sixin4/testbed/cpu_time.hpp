// What the bed's processors have worked.
#pragma once

#include <string>
#include <vector>

namespace sixin4::testbed {

/// Ticks in which `processor` was not idle, of the text of /proc/stat: user, nice, system, and interrupts.
/// What a hypervisor took (steal) is nobody's work here.
[[nodiscard]] long long busy_ticks(const std::string& stat, int processor);

/// Seconds since the start of the host in which these processors were busy. Whole processors, because most of
/// what a tunnel costs is no process's: interrupts, and the threads that receive for network cards.
[[nodiscard]] double busy_seconds(const std::vector<int>& processors);

}  // namespace sixin4::testbed
