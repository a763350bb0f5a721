// One tunnel's configuration: `key = value` lines, `--key value` arguments, and their meaning.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "sixin4/base/log.hpp"
#include "sixin4/config/source_rules.hpp"
#include "sixin4/netlink/network_objects.hpp"
#include "sixin4/wire/address.hpp"

namespace sixin4::config {

inline constexpr std::uint16_t max_queues =
    64;  ///< with the one for writing far below Linux' 256 of a device

/// How the IPv4 side sends.
enum class Wire : std::uint8_t { automatic, raw, packet };

inline constexpr std::size_t max_source_rules = 65535;
inline constexpr std::uint32_t max_flows = 1U << 24U;     ///< about 1.5 GB
inline constexpr std::uint32_t max_recorder = 1U << 20U;  ///< 128 MB, for each thread that carries packets

inline constexpr std::uint16_t min_tunnel_mtu = 1280;   ///< RFC 4213 §3.2: what IPv6 needs of every link
inline constexpr std::uint16_t max_tunnel_mtu = 65515;  ///< what fits behind an IPv4 header

struct Configuration {
  std::string interface = "sixin4";
  std::optional<wire::Ipv4Address> local;  ///< nothing: the one that the route to `remote` uses
  std::string remote;                      ///< an IPv4 address or a host name, as it was written
  std::string dev;                         ///< empty: any link
  std::vector<netlink::InterfaceAddress> addresses;
  std::map<wire::Ipv6Address, std::uint32_t> address_labels;  ///< of those of the addresses that have one
  std::vector<wire::Ipv6Prefix> prefixes;
  std::vector<wire::Ipv6Prefix> routes;
  std::uint32_t table = netlink::main_table;
  std::optional<std::uint32_t> metric;
  std::optional<std::uint16_t> mtu = min_tunnel_mtu;  ///< nothing: auto, it follows the IPv4 path
  std::optional<bool> pmtudisc;                       ///< nothing: yes where the MTU is auto, else no
  std::optional<std::uint8_t> ttl = 64;               ///< nothing: inherit
  std::optional<std::uint8_t> tos = 0;                ///< nothing: inherit
  bool ecn = true;
  bool ingress_filter = true;
  bool egress_filter = true;
  bool mss_clamp = false;
  std::vector<Pool> pools;
  std::vector<SourceRule> source_rules;
  SourceTables source_tables;  ///< what the files hold that source rules name
  std::uint32_t flows = 65536;
  std::uint32_t recorder = 4096;      ///< packets that the flight recorder keeps; 0: it is off
  std::chrono::seconds keepalive{0};  ///< 0: none
  Wire wire = Wire::automatic;
  bool checksum_offload = false;            ///< the packet socket leaves inner checksums to the link
  std::optional<std::uint16_t> queues = 1;  ///< of the tun device, a pair of threads each; nothing: auto, one
                                            ///< a processor
  std::string control;                      ///< empty: the usual path for `interface`
  base::LogLevel log_level = base::LogLevel::info;

  /// RFC 4213 §3.2.2, dynamic MTU.
  [[nodiscard]] bool discovers_path_mtu() const noexcept { return pmtudisc.value_or(!mtu); }
};

/// From the arguments of `run` or `check`: `-c FILE` or a NAME, and keys, which win over the file's; with the
/// tables that source rules name. Throws ConfigurationError, or std::runtime_error where a file cannot be
/// read.
[[nodiscard]] Configuration load_configuration(std::span<const std::string> arguments);

/// Why flight recorders for so many packets in both threads of each queue would be too large together; empty:
/// they are not. A recorder has room for a power of 2 of packets.
[[nodiscard]] std::string recorder_excess(std::uint32_t packets, std::size_t queues);

/// The complete configuration as a file that reads back to the same.
[[nodiscard]] std::string to_text(const Configuration& configuration);

/// The options of `load_configuration`, for a help text.
[[nodiscard]] std::string describe_configuration();

}  // namespace sixin4::config
