// Finds users of the host's IP layer (firewalls, connection tracking, IPsec) that a packet socket bypasses.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

namespace sixin4::netlink {

/// Describes the first user that filters or tracks IPv4 packets in this network namespace: a table of
/// nftables or iptables, or connection tracking. Returns nothing if there is none. Needs CAP_NET_ADMIN and
/// readable files in `proc`, the mount point of proc(5). Throws std::system_error if a query fails.
[[nodiscard]] std::optional<std::string> packet_filter(const std::filesystem::path& proc = "/proc");

/// Whether an IPsec policy for outgoing packets exists. Throws like `packet_filter`.
[[nodiscard]] bool has_ipsec_policy();

}  // namespace sixin4::netlink
