// The measurements that a command line asks for.
#pragma once

#include <string>
#include <vector>

namespace sixin4::testbed {

/// One configuration of the testbed and its tunnels.
struct Setting {
  int mtu = 1480;               ///< of the tunnel, in bytes
  bool receive_offload = true;  ///< GRO of the links
  friend bool operator==(const Setting&, const Setting&) = default;
};

struct Plan {
  bool json = false;
  int rounds = 1;
  double seconds = 2;  ///< of one measurement
  std::vector<std::string> contestants;
  std::vector<Setting> settings;
  std::vector<std::string> workloads;
  std::string kernel_tunnel;  ///< absolute path of the eBPF object file, or empty
};

/// `arguments` are the words after the verb. Throws base::ConfigurationError.
[[nodiscard]] Plan parse_plan(const std::vector<std::string>& arguments);

/// The help text: options, workloads, contestants.
[[nodiscard]] std::string describe_bench();

}  // namespace sixin4::testbed
