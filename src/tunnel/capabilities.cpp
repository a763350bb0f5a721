#include "capabilities.hpp"

#include <array>
#include <cstdint>
#include <stdexcept>
#include <string>

#include <linux/capability.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace sixin4::tunnel {

namespace {

struct Capability {
  unsigned number;
  const char* name;     ///< without CAP_, as for `docker run --cap-add`
  const char* command;  ///< as for setcap(8)
  const char* purpose;
};

constexpr std::array needed{
    Capability{CAP_NET_ADMIN, "NET_ADMIN", "cap_net_admin",
               "creates the tun device, its addresses and routes"},
    Capability{CAP_NET_RAW, "NET_RAW", "cap_net_raw", "opens raw and packet sockets"}};

/// The effective capabilities, one bit each. If capget(2) fails it returns all bits, and the first forbidden
/// system call reports the missing capability.
std::uint64_t effective_capabilities() {
  __user_cap_header_struct header{.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
  std::array<__user_cap_data_struct, _LINUX_CAPABILITY_U32S_3> sets{};
  if (::syscall(SYS_capget, &header, sets.data()) < 0) return ~std::uint64_t{0};
  return std::uint64_t{sets[1].effective} << 32U | sets[0].effective;
}

}  // namespace

void require_capabilities() {
  const std::uint64_t effective = effective_capabilities();
  std::string missing;
  std::string commands;
  std::string unit_names;
  std::string container_options;
  for (const Capability& capability : needed) {
    if ((effective >> capability.number & 1U) != 0) continue;
    const std::string name = std::string{"CAP_"} + capability.name;
    missing += (missing.empty() ? "" : " and ") + name + " (" + capability.purpose + ")";
    commands += (commands.empty() ? "" : ",") + std::string{capability.command};
    unit_names += (unit_names.empty() ? "" : " ") + name;
    container_options += std::string{" --cap-add "} + capability.name;
  }
  if (missing.empty()) return;
  throw std::runtime_error(
      "cannot run an endpoint without " + missing + ": run it as root, or give the program " +
      "the capabilities with 'setcap " + commands + "+ep FILE', a systemd unit with " +
      "'AmbientCapabilities=" + unit_names + "', a container with '" + container_options.substr(1) + "'");
}

}  // namespace sixin4::tunnel
