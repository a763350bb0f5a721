// The configuration of one tunnel, from `key = value` lines and `--key value` arguments.
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

/// Linux allows 256 queues of a tun device. One more queue than configured exists, because all queues write
/// through a detached one.
inline constexpr std::uint16_t max_queues = 64;

/// The socket by which the IPv4 side sends.
enum class Wire : std::uint8_t { automatic, raw, packet };

inline constexpr std::size_t max_source_rules = 65535;
inline constexpr std::uint32_t max_flows = 1U << 24U;     ///< about 1.7 GB
inline constexpr std::uint32_t max_recorder = 1U << 20U;  ///< 128 MiB in each thread that carries packets

inline constexpr std::uint16_t min_tunnel_mtu = 1280;   ///< RFC 4213 §3.2, the minimum MTU of IPv6
inline constexpr std::uint16_t max_tunnel_mtu = 65515;  ///< the largest IPv4 packet without its header

struct Configuration {
  std::string interface = "sixin4";
  std::optional<wire::Ipv4Address> local;  ///< nothing: the source address of the route to `remote`
  std::string remote;                      ///< IPv4 address or host name, as written
  std::string dev;                         ///< empty: any link
  std::vector<netlink::InterfaceAddress> addresses;
  /// Address labels (RFC 6724 §2.1), by address; addresses without a label are absent.
  std::map<wire::Ipv6Address, std::uint32_t> address_labels;
  std::vector<wire::Ipv6Prefix> prefixes;
  std::vector<wire::Ipv6Prefix> routes;
  std::uint32_t table = netlink::main_table;
  std::optional<std::uint32_t> metric;
  std::optional<std::uint16_t> mtu = min_tunnel_mtu;  ///< nothing: auto, follows the IPv4 path
  std::optional<bool> pmtudisc;                       ///< nothing: yes if the MTU is auto, else no
  std::optional<std::uint8_t> ttl = 64;               ///< nothing: inherit
  std::optional<std::uint8_t> tos = 0;                ///< nothing: inherit
  bool ecn = true;
  bool ingress_filter = true;
  bool egress_filter = true;
  bool mss_clamp = false;
  std::vector<Pool> pools;
  std::vector<SourceRuleText> source_rules;
  SourceTableTexts source_tables;  ///< contents of the files that source rules name
  std::uint32_t flows = 65536;
  std::uint32_t recorder = 4096;      ///< packets that the flight recorder of each thread keeps; 0: off
  std::chrono::seconds keepalive{0};  ///< 0: none
  Wire wire = Wire::automatic;
  bool checksum_offload = false;  ///< the packet socket leaves TCP and UDP checksums to the link
  /// Queues of the tun device, each with a pair of threads. Nothing: auto, one queue for each processor.
  std::optional<std::uint16_t> queues = 1;
  std::string control;  ///< path of the control socket; empty: control::control_path of `interface`
  base::LogLevel log_level = base::LogLevel::info;

  /// RFC 4213 §3.2.2, dynamic MTU.
  [[nodiscard]] bool discovers_path_mtu() const noexcept { return pmtudisc.value_or(!mtu); }
};

/// Reads the arguments of `run` or `check`: `-c FILE` or NAME, and keys, which replace the same keys of the
/// file. Also reads the tables that source rules name. Throws ConfigurationError, or std::runtime_error if a
/// file cannot be read.
[[nodiscard]] Configuration load_configuration(std::span<const std::string> arguments);

/// The text of an error if the flight recorders of all queues together would take more than 1 GiB, else
/// empty. Each queue has two threads with a recorder each, and the room of a recorder is `packets` rounded up
/// to a power of 2.
[[nodiscard]] std::string recorder_excess(std::uint32_t packets, std::size_t queues);

/// The complete configuration as a file. Reading the file gives the same configuration.
[[nodiscard]] std::string to_text(const Configuration& configuration);

/// The options of `load_configuration`, for a help text.
[[nodiscard]] std::string describe_configuration();

}  // namespace sixin4::config
