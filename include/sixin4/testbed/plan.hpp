// What is to be measured, as the command line says it.
#pragma once

#include <string>
#include <vector>

namespace sixin4::testbed {

/// One way to set up bed and tunnels.
struct Setting {
  int mtu = 1480;
  bool receive_offload = true;
  friend bool operator==(const Setting&, const Setting&) = default;
};

struct Plan {
  bool json = false;
  int rounds = 1;
  double seconds = 2;
  std::vector<std::string> contestants;
  std::vector<Setting> settings;
  std::vector<std::string> workloads;
  std::string kernel_tunnel;  ///< an absolute path; empty: there is none
};

/// Throws base::ConfigurationError.
[[nodiscard]] Plan plan_of(const std::vector<std::string>& arguments);

/// For the help text: options, workloads, contestants.
[[nodiscard]] std::string describe_bench();

}  // namespace sixin4::testbed
