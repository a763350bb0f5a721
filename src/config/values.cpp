#include "sixin4/config/values.hpp"

#include <algorithm>
#include <array>
#include <sstream>

#include "sixin4/base/printable.hpp"
#include "sixin4/netlink/network_objects.hpp"
#include "sixin4/wire/address_text.hpp"
#include "sixin4/wire/protocol_text.hpp"

namespace sixin4::config {

namespace {

constexpr wire::Ipv6Address loopback = wire::Ipv6Address::of_words(0, 1);

/// Narrower prefixes come first, because messages name the first that matches.
constexpr std::array reserved_prefixes{
    ReservedPrefix{{.address = {}, .length = 128}, "the unspecified address"},
    ReservedPrefix{{.address = loopback, .length = 128}, "the loopback address"},
    ReservedPrefix{{.address = {}, .length = 96}, "IPv4-compatible addresses"},
    ReservedPrefix{{.address = wire::Ipv6Address::of_words(0, 0xffffULL << 32U), .length = 96},
                   "IPv4-mapped addresses"},
    ReservedPrefix{{.address = {{0xff}}, .length = 8}, "multicast addresses"},
    ReservedPrefix{{.address = {{0xfe, 0x80}}, .length = 10}, "link-local addresses"},
};

template <typename Matches>
const ReservedPrefix* find_reserved(LinkLocal link_local, const Matches& matches) {
  const auto* const end = reserved_prefixes.end() - (link_local == LinkLocal::allowed ? 1 : 0);
  const auto* const found = std::find_if(
      reserved_prefixes.begin(), end,
      [&matches](const ReservedPrefix& reserved) { return matches(wire::range_of(reserved.prefix)); });
  return found == end ? nullptr : found;
}

}  // namespace

std::vector<std::string> split_words(const std::string& text) {
  std::istringstream stream{text};
  std::vector<std::string> words;
  for (std::string word; stream >> word;) words.push_back(word);
  return words;
}

wire::Ipv6Prefix parse_prefix(const std::string& text) {
  const auto prefix = wire::parse_ipv6_prefix(text);
  if (!prefix || text.find('/') == std::string::npos)
    throw base::ValueError(base::in_quotes(text) + " is not an IPv6 PREFIX/LENGTH");
  const netlink::Ipv6Route masked = netlink::canonical(netlink::Ipv6Route{.prefix = *prefix});
  if (masked.prefix != *prefix) {
    throw base::ValueError(base::in_quotes(text) + " has bits set beyond its length; the prefix is " +
                           to_string(masked.prefix));
  }
  return *prefix;
}

std::uint8_t parse_protocol(const std::string& text) {
  if (const auto number = wire::protocol_number(text)) return *number;
  if (text.empty() || text.find_first_not_of("0123456789") != std::string::npos) {
    throw base::ValueError(base::in_quotes(text) + " is not tcp, udp, icmpv6 or a protocol number");
  }
  return base::parse_number<std::uint8_t>(text, 0, 255);
}

std::string parse_interface(const std::string& text) {
  // The kernel's rule (net/core/dev.c, dev_valid_name), to which the byte 0xa0 is a space. Also excluded:
  // '%', because the kernel replaces %d by a number, and '#', because it begins a comment.
  const bool valid = !text.empty() && text.size() <= 15 && text != "." && text != ".." &&
                     text.find_first_of("/:%# \t\n\v\f\r\xa0") == std::string::npos;
  if (!valid) {
    throw base::ValueError(
        base::in_quotes(text) +
        " is not the name of an interface (1 to 15 bytes without / : % # or space, and no byte a0)");
  }
  if (text == "all" || text == "default") {
    throw base::ValueError(
        base::in_quotes(text) +
        " cannot name an interface, because /proc/sys/net uses it for the settings of all interfaces");
  }
  if (text == "lo") throw base::ValueError("'lo' is the loopback interface; name another one");
  return text;
}

const char* kind_of_no_host(const wire::Ipv4Address& address) {
  const std::uint8_t first = address.octets[0];
  if (first == 0) return "in 0.0.0.0/8, which is reserved for hosts without an address";
  if (first == 127) return "a loopback address";
  if (first >= 224 && first < 240) return "a multicast address";
  if (address == wire::Ipv4Address{{255, 255, 255, 255}}) return "the broadcast address";
  return first >= 240 ? "a reserved address (240.0.0.0/4)" : nullptr;
}

void require_host(const wire::Ipv4Address& address, const std::string& text) {
  if (const char* kind = kind_of_no_host(address)) {
    throw base::ValueError(base::in_quotes(text) + " is not the address of one host, but " + kind);
  }
}

const ReservedPrefix* reserved_in(const wire::Ipv6Range& range, LinkLocal link_local) {
  const auto overlaps = [&range](const wire::Ipv6Range& reserved) {
    return range.first <= reserved.last && reserved.first <= range.last;
  };
  return find_reserved(link_local, overlaps);
}

const ReservedPrefix* reserved_around(const wire::Ipv6Range& range, LinkLocal link_local) {
  const auto holds = [&range](const wire::Ipv6Range& reserved) {
    return reserved.first <= range.first && range.last <= reserved.last;
  };
  return find_reserved(link_local, holds);
}

std::string describe(const ReservedPrefix& reserved) {
  return to_string(reserved.prefix) + ", " + reserved.kind;
}

void require_host(const wire::Ipv6Address& address, const std::string& text) {
  if (const auto* const reserved = reserved_in({address, address}, LinkLocal::allowed)) {
    throw base::ValueError(base::in_quotes(text) + " is not the address of one host: it is in " +
                           describe(*reserved));
  }
}

}  // namespace sixin4::config
