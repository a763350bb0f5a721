// What this kernel does by itself that a tunnel beside it suffers from.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

namespace sixin4::netlink {

/// Which module makes this kernel answer packets of protocol 41 that none of its own tunnels takes with ICMP
/// port unreachable, whatever the raw sockets do (net/ipv4/tunnel4.c, tunnel64_rcv); nothing where none does.
/// `modules` is where sysfs lists the kernel's modules.
[[nodiscard]] std::optional<std::string> module_that_answers(
    const std::filesystem::path& modules = "/sys/module");

/// Whether the kernel keeps the path MTU that routers tell of to itself (net/ipv4/icmp.c, icmp_unreach): the
/// sysctl ip_no_pmtu_disc, which `setting` is, is not 0.
[[nodiscard]] bool hides_path_mtu(
    const std::filesystem::path& setting = "/proc/sys/net/ipv4/ip_no_pmtu_disc");

}  // namespace sixin4::netlink
