// The tunnels that the testbed compares, and starting them.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sixin4/testbed/process.hpp"

#include "bed.hpp"

namespace sixin4::testbed {

struct Contestant {
  std::string name;
  std::string meaning;
  bool is_default = true;                     ///< takes part if the command line names no contestant
  std::vector<std::string> options{};         ///< of `sixin4 run` on both sides; empty for socat and kernel
  std::vector<std::string> near_options{};    ///< of `sixin4 run` on the near side only
  std::vector<std::string> near_companion{};  ///< arguments of a further sixin4 process on the near side
};

[[nodiscard]] const std::vector<Contestant>& contestants();

/// The processes of a tunnel; none for the tunnel in the kernel. The destructor kills them.
class Tunnel {
 public:
  explicit Tunnel(std::vector<Process> ends) : ends_(std::move(ends)) {}

  /// The output of a process that has ended, on one line; nothing while all run.
  [[nodiscard]] std::optional<std::string> output_of_ended_process();
  /// Ends the processes: SIGTERM, then SIGKILL.
  void stop();

 private:
  std::vector<Process> ends_;
};

/// Starts the tunnel of `contestant`, which is a name in `contestants()`. `mtu` is in bytes. `kernel_tunnel`
/// is the object file of the contestant `kernel`. Throws std::runtime_error if the tunnel does not come up,
/// NoProgram if its program is not installed.
[[nodiscard]] Tunnel start_tunnel(std::string_view contestant, const Bed& bed, int mtu,
                                  const std::string& kernel_tunnel);

}  // namespace sixin4::testbed
