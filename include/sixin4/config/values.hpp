// Parsers and checks of values that several keys share.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "sixin4/base/number.hpp"
#include "sixin4/wire/address.hpp"

namespace sixin4::config {

[[nodiscard]] std::vector<std::string> split_words(const std::string& text);

/// PREFIX/LENGTH. Throws ValueError, also if bits beyond the length are set.
[[nodiscard]] wire::Ipv6Prefix parse_prefix(const std::string& text);

/// `tcp`, `udp`, `icmpv6`, or a number. Throws ValueError.
[[nodiscard]] std::uint8_t parse_protocol(const std::string& text);

/// The name of an interface: the kernel allows it, a line of a configuration can hold it, and it is not lo,
/// all or default. Throws ValueError.
[[nodiscard]] std::string parse_interface(const std::string& text);

/// Throws ValueError with `text` if the address cannot be that of one host.
void require_host(const wire::Ipv4Address& address, const std::string& text);
/// The kind of an address that no single host can have, for example `a multicast address`. Null: a host can
/// have the address.
[[nodiscard]] const char* kind_of_no_host(const wire::Ipv4Address& address);

/// Throws ValueError with `text` if the address cannot be that of one host.
void require_host(const wire::Ipv6Address& address, const std::string& text);

/// A prefix of addresses that cannot be the source of a packet in a tunnel, or that are link-local.
struct ReservedPrefix {
  wire::Ipv6Prefix prefix;
  const char* kind = "";
};
enum class LinkLocal : std::uint8_t { allowed, reserved };
/// The first reserved prefix that overlaps the range. Null: no such prefix.
[[nodiscard]] const ReservedPrefix* reserved_in(const wire::Ipv6Range& range, LinkLocal link_local);
/// The first reserved prefix that contains the whole range. Null: no such prefix.
[[nodiscard]] const ReservedPrefix* reserved_around(const wire::Ipv6Range& range, LinkLocal link_local);
/// `ff00::/8, multicast addresses`.
[[nodiscard]] std::string describe(const ReservedPrefix& reserved);

}  // namespace sixin4::config
