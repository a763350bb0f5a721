// Reads modules and settings of the kernel from /sys and /proc.
#include "sixin4/netlink/kernel_behaviour.hpp"

#include <array>
#include <fstream>
#include <system_error>

namespace sixin4::netlink {

std::optional<std::string> module_that_answers(const std::filesystem::path& modules) {
  // sysfs lists a built-in module only if it has parameters. tunnel4 has none, but its users sit and ipip do.
  constexpr std::array names{"tunnel4", "sit", "ipip"};
  for (const char* name : names) {
    std::error_code ignored;
    if (std::filesystem::exists(modules / name, ignored)) return name;
  }
  return std::nullopt;
}

bool hides_path_mtu(const std::filesystem::path& setting) {
  int value = 0;
  std::ifstream{setting} >> value;
  return value != 0;
}

}  // namespace sixin4::netlink
