// What of this host works in its IP layer, and would miss packets that a packet socket sends past it.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

namespace sixin4::netlink {

/// What filters or tracks IPv4 packets in this network namespace, in words: a table of nftables or iptables,
/// connection tracking. Nothing where nothing does. Throws std::system_error where the kernel does not let us
/// look, which takes CAP_NET_ADMIN and files of `proc` that may be read.
[[nodiscard]] std::optional<std::string> packet_filter(const std::filesystem::path& proc = "/proc");

/// Whether IPsec policies decide on packets that leave. Throws like `packet_filter`.
[[nodiscard]] bool has_ipsec_policy();

}  // namespace sixin4::netlink
