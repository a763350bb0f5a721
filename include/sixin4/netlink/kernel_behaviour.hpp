// Settings and modules of the kernel that disturb a tunnel in user space.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

namespace sixin4::netlink {

/// The module that makes the kernel answer packets of protocol 41 with ICMP port unreachable unless a tunnel
/// of the kernel takes them, also if a raw socket receives them (net/ipv4/tunnel4.c, tunnel64_rcv). Nothing
/// if no such module is loaded. `modules` is the module directory of sysfs.
[[nodiscard]] std::optional<std::string> module_that_answers(
    const std::filesystem::path& modules = "/sys/module");

/// Whether the sysctl ip_no_pmtu_disc, whose file is `setting`, is not 0. The kernel then does not pass the
/// path MTU of a message "fragmentation needed" to sockets of protocol 41 (net/ipv4/icmp.c, icmp_unreach).
[[nodiscard]] bool hides_path_mtu(
    const std::filesystem::path& setting = "/proc/sys/net/ipv4/ip_no_pmtu_disc");

}  // namespace sixin4::netlink
