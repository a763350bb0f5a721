// CPU time of the testbed's processors.
#pragma once

#include <string>
#include <vector>

namespace sixin4::testbed {

/// Ticks (_SC_CLK_TCK) in which `processor` was busy, from `stat`, the text of /proc/stat (proc(5)): user,
/// nice, system and interrupts. Time stolen by a hypervisor is not counted. Throws std::runtime_error if
/// `stat` has no such processor.
[[nodiscard]] long long busy_ticks(const std::string& stat, int processor);

/// Seconds since boot in which these processors were busy. Whole processors are measured because most of a
/// tunnel's cost is in interrupts and kernel threads, which belong to no process.
[[nodiscard]] double busy_seconds(const std::vector<int>& processors);

}  // namespace sixin4::testbed
