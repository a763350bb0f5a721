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
  const char* name;     ///< without CAP_, as a container's options have it
  const char* command;  ///< as setcap(8) has it
  const char* purpose;
};

constexpr std::array needed{
    Capability{CAP_NET_ADMIN, "NET_ADMIN", "cap_net_admin",
               "makes the tun device and its addresses and routes"},
    Capability{CAP_NET_RAW, "NET_RAW", "cap_net_raw", "opens raw and packet sockets"}};

/// The effective capabilities, a bit each; all where the kernel does not tell them.
std::uint64_t effective_capabilities() {
  __user_cap_header_struct header{.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
  std::array<__user_cap_data_struct, _LINUX_CAPABILITY_U32S_3> sets{};
  if (::syscall(SYS_capget, &header, sets.data()) < 0) return ~std::uint64_t{0};
  return std::uint64_t{sets[1].effective} << 32U | sets[0].effective;
}

}  // namespace

void require_capabilities() {
  const std::uint64_t held = effective_capabilities();
  std::string missing;
  std::string commands;
  std::string of_unit;
  std::string of_container;
  for (const Capability& capability : needed) {
    if ((held >> capability.number & 1U) != 0) continue;
    const std::string name = std::string{"CAP_"} + capability.name;
    missing += (missing.empty() ? "" : " and ") + name + " (" + capability.purpose + ")";
    commands += (commands.empty() ? "" : ",") + std::string{capability.command};
    of_unit += (of_unit.empty() ? "" : " ") + name;
    of_container += std::string{" --cap-add "} + capability.name;
  }
  if (missing.empty()) return;
  throw std::runtime_error("cannot run an endpoint without " + missing +
                           ": run it as root, or give the program " + "the capabilities with 'setcap " +
                           commands + "+ep FILE', a systemd unit with " + "'AmbientCapabilities=" + of_unit +
                           "', a container with '" + of_container.substr(1) + "'");
}

}  // namespace sixin4::tunnel
