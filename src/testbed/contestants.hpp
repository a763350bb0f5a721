// The tunnels that are compared, started on a bed.
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
  bool usual = true;                        ///< takes part where the command line names none
  std::vector<std::string> options{};       ///< of `sixin4 run`; none for a tunnel of others
  std::vector<std::string> near_options{};  ///< those of the near side only
  std::vector<std::string> beside_near{};  ///< arguments of one more sixin4 on the near side; none without it
};

[[nodiscard]] const std::vector<Contestant>& contestants();

/// Programs of both sides that make up a tunnel; none for a tunnel in the kernel.
class Tunnel {
 public:
  explicit Tunnel(std::vector<Process> ends) : ends_(std::move(ends)) {}

  /// What an end that is not there any more has said.
  [[nodiscard]] std::optional<std::string> lost_end();
  void stop();

 private:
  std::vector<Process> ends_;
};

/// Of a contestant that there is. `kernel_tunnel` is the object file for the contestant `kernel`. Throws
/// where the tunnel does not come up, NoProgram where a program for it is not there.
[[nodiscard]] Tunnel start_tunnel(std::string_view contestant, const Bed& bed, int mtu,
                                  const std::string& kernel_tunnel);

}  // namespace sixin4::testbed
