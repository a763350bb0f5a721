// The kernel's own tunnels, which share protocol 41 with every raw socket.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

namespace sixin4::control {

/// Which module makes this kernel answer packets of protocol 41 that none of its own tunnels takes with ICMP
/// port unreachable, whatever the raw sockets do (net/ipv4/tunnel4.c, tunnel64_rcv); nothing where none does.
/// `modules` is where sysfs lists the kernel's modules.
[[nodiscard]] std::optional<std::string> module_that_answers(
    const std::filesystem::path& modules = "/sys/module");

}  // namespace sixin4::control
