#include "configuration_keys.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <set>
#include <string_view>

#include <sys/un.h>

#include "sixin4/base/printable.hpp"
#include "sixin4/config/values.hpp"
#include "sixin4/wire/address_text.hpp"

#include "source_rule_text.hpp"

namespace sixin4::config {

namespace {

constexpr std::uint32_t local_table = 255;  // RT_TABLE_LOCAL
constexpr std::uint32_t max_keepalive = 86400;

bool parse_yes_or_no(const std::string& text) {
  if (text == "yes") return true;
  if (text == "no") return false;
  throw base::ValueError(base::in_quotes(text) + " is neither yes nor no");
}

Values yes_or_no(bool value) {
  return {value ? "yes" : "no"};
}

/// The index of `text` in `names`.
template <std::size_t Size>
std::size_t parse_choice(const std::string& text, const std::array<std::string_view, Size>& names) {
  const auto found = std::ranges::find(names, text);
  if (found != names.end()) return static_cast<std::size_t>(found - names.begin());
  std::string choices;
  for (const auto name : names) choices += (choices.empty() ? "" : ", ") + std::string{name};
  throw base::ValueError(base::in_quotes(text) + " is not one of " + choices);
}

constexpr std::array<std::string_view, 2> lifetime_names{"0", "forever"};
constexpr std::array<std::string_view, 3> wire_names{"auto", "raw", "packet"};
constexpr std::array<std::string_view, 4> log_level_names{"error", "warn", "info", "debug"};

/// Bytes that would not read back from a file: `#` begins a comment, and space at the ends is removed.
constexpr const char* not_in_a_line = "# \t\n\v\f\r";

/// Whether all labels have 1 to 63 characters (RFC 1035 §2.3.4).
bool has_valid_labels(std::string_view name) {
  constexpr std::size_t longest = 63;
  if (name.ends_with('.')) name.remove_suffix(1);
  for (std::size_t start = 0; start <= name.size();) {
    const std::size_t dot = std::min(name.find('.', start), name.size());
    if (dot == start || dot - start > longest) return false;
    start = dot + 1;
  }
  return true;
}

/// An IPv4 address or a host name (RFC 1123 §2.1).
std::string parse_host(const std::string& text) {
  const auto allowed = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '.' || c == '_';
  };
  if (text.empty() || text.size() > 253 || !std::ranges::all_of(text, allowed)) {
    throw base::ValueError(base::in_quotes(text) + " is neither an IPv4 address nor a host name");
  }
  const auto address = wire::parse_ipv4_address(text);
  if (text.find_first_not_of("0123456789.") == std::string::npos && !address) {
    throw base::ValueError(base::in_quotes(text) + " is not an IPv4 address");
  }
  if (address) require_host(*address, text);
  if (!has_valid_labels(text)) {
    throw base::ValueError(
        base::in_quotes(text) +
        " is neither an IPv4 address nor a host name: each part between dots has 1 to 63 characters");
  }
  return text;
}

std::optional<wire::Ipv4Address> parse_local(const std::string& text) {
  if (text == "auto") return std::nullopt;
  const auto address = wire::parse_ipv4_address(text);
  const char* const kind = address ? kind_of_no_host(*address) : nullptr;
  if (!address || kind != nullptr) {
    throw base::ValueError(base::in_quotes(text) + " is neither the IPv4 address of a host nor auto" +
                           (kind != nullptr ? std::string{": it is "} + kind : ""));
  }
  return address;
}

void add_prefix(Configuration& configuration, const std::string& text) {
  const wire::Ipv6Prefix prefix = parse_prefix(text);
  if (prefix.length == 0) {
    throw base::ValueError(
        base::in_quotes(text) +
        " would make every address one of this end; to forward for other hosts set egress-filter = no");
  }
  if (const auto* const reserved = reserved_in(range_of(prefix), LinkLocal::reserved)) {
    throw base::ValueError(base::in_quotes(text) + " cannot be routed to this end: it has addresses in " +
                           describe(*reserved));
  }
  configuration.prefixes.push_back(prefix);
}

void add_route(Configuration& configuration, const std::string& text) {
  const wire::Ipv6Prefix prefix = parse_prefix(text);
  if (const auto* const reserved = reserved_around(range_of(prefix), LinkLocal::reserved)) {
    throw base::ValueError(base::in_quotes(text) + " cannot be routed into the tunnel: it is in " +
                           describe(*reserved));
  }
  configuration.routes.push_back(prefix);
}

std::string parse_control(const std::string& text) {
  if (text.empty() || text.front() != '/' || text.find_first_of(not_in_a_line) != std::string::npos) {
    throw base::ValueError(base::in_quotes(text) + " is not an absolute path without space or #");
  }
  constexpr std::size_t longest = sizeof(sockaddr_un::sun_path) - 1;
  if (text.size() > longest) {
    throw base::ValueError(base::in_quotes(text) + " has " + std::to_string(text.size()) +
                           " bytes; the path of a socket has at most " + std::to_string(longest));
  }
  if (text.ends_with('/') || text.ends_with("/.") || text.ends_with("/..")) {
    throw base::ValueError(base::in_quotes(text) + " is the path of a directory; name a file in it");
  }
  return text;
}

[[noreturn]] void refuse_address(const std::string& text, const std::string& form) {
  throw base::ValueError(base::in_quotes(text) + " is not an IPv6 " + form);
}

void add_interface_address(Configuration& configuration, const std::string& text) {
  const std::vector<std::string> words = split_words(text);
  const std::string form = "ADDRESS/LENGTH [peer ADDRESS] [preferred_lft 0|forever] [label NUMBER]";
  const auto parsed = words.empty() ? std::nullopt : wire::parse_ipv6_prefix(words.front());
  if (!parsed || words.front().find('/') == std::string::npos || words.size() % 2 == 0) {
    refuse_address(text, form);
  }
  require_host(parsed->address, words.front());
  if (parsed->length == 0) {
    throw base::ValueError(
        base::in_quotes(words.front()) +
        " would put all IPv6 addresses on the link; for a default route write route = ::/0");
  }
  netlink::InterfaceAddress address{.address = parsed->address, .length = parsed->length};
  std::optional<std::uint32_t> label;
  std::set<std::string> keywords;
  for (std::size_t at = 1; at < words.size(); at += 2) {
    const std::string& keyword = words[at];
    const std::string& value = words[at + 1];
    if (!keywords.insert(keyword).second)
      throw base::ValueError(base::in_quotes(keyword) + " is given twice");
    if (keyword == "peer") {
      address.peer = wire::parse_ipv6_address(value);
      if (!address.peer) throw base::ValueError(base::in_quotes(value) + " is not an IPv6 address");
      require_host(*address.peer, value);
      if (address.peer == address.address) {
        throw base::ValueError(base::in_quotes(value) +
                               " is the address of this end; 'peer' is that of the far end");
      }
    } else if (keyword == "preferred_lft") {
      address.deprecated = parse_choice(value, lifetime_names) == 0;
    } else if (keyword == "label") {
      label = base::parse_number<std::uint32_t>(value, 0, 0xfffffffeU);
    } else {
      refuse_address(text, form);
    }
  }
  // A link has each address only once, so two lines for one address must agree.
  const auto earlier =
      std::ranges::find(configuration.addresses, address.address, &netlink::InterfaceAddress::address);
  const auto earlier_label = configuration.address_labels.find(address.address);
  if (earlier != configuration.addresses.end() &&
      (*earlier != address || (earlier_label != configuration.address_labels.end()) != label.has_value() ||
       (label && earlier_label->second != *label))) {
    throw base::ValueError(base::in_quotes(to_string(address.address)) +
                           " is given twice with a different length, peer, lifetime or label");
  }
  configuration.addresses.push_back(address);
  if (label) configuration.address_labels[address.address] = *label;
}

std::string hexadecimal(std::uint8_t octet) {
  std::array<char, 4> buffer{};
  return "0x" + std::string{buffer.data(),
                            std::to_chars(buffer.data(), buffer.data() + buffer.size(), octet, 16).ptr};
}

/// The notation of the key. ip(8) differs: it writes the length after the peer.
Values address_texts(const Configuration& configuration) {
  Values values;
  for (const netlink::InterfaceAddress& address : configuration.addresses) {
    std::string& text = values.emplace_back(
        to_string(wire::Ipv6Prefix{.address = address.address, .length = address.length}));
    if (address.peer) text += " peer " + to_string(*address.peer);
    if (address.deprecated) text += " preferred_lft 0";
    const auto label = configuration.address_labels.find(address.address);
    if (label != configuration.address_labels.end())
      text.append(" label ").append(std::to_string(label->second));
  }
  return values;
}

template <typename Item>
std::string key_text(const Item& item) {
  return to_string(item);
}

template <typename Items>
Values key_texts(const Items& items) {
  Values values;
  for (const auto& item : items) values.push_back(key_text(item));
  return values;
}

}  // namespace

const std::vector<Key>& keys() {
  using C = Configuration;
  static const std::vector<Key> table{
      {"interface", false, "NAME", "name of the tun device",
       [](C& c, const std::string& v) { c.interface = parse_interface(v); },
       [](const C& c) { return Values{c.interface}; }},
      {"local", false, "ADDRESS|auto", "this end's IPv4 address; auto follows the route to 'remote'",
       [](C& c, const std::string& v) { c.local = parse_local(v); },
       [](const C& c) { return Values{c.local ? to_string(*c.local) : "auto"}; }},
      {"remote", false, "ADDRESS|HOST", "the far end's IPv4 address or host name (required)",
       [](C& c, const std::string& v) { c.remote = parse_host(v); },
       [](const C& c) { return Values{c.remote}; }},
      {"dev", false, "LINK", "link that the IPv4 side is bound to",
       [](C& c, const std::string& v) { c.dev = parse_interface(v); },
       [](const C& c) { return c.dev.empty() ? Values{} : Values{c.dev}; }},
      {"address", true, "ADDRESS/LENGTH [peer ADDRESS] [preferred_lft 0|forever] [label NUMBER]",
       "IPv6 address on the interface; preferred_lft 0: not chosen as a source if there is another; "
       "label: of RFC 6724, see ip-addrlabel(8)",
       add_interface_address, address_texts},
      {"prefix", true, "PREFIX/LENGTH", "IPv6 prefix that is routed to this end", add_prefix,
       [](const C& c) { return key_texts(c.prefixes); }},
      {"route", true, "PREFIX/LENGTH", "IPv6 prefix that is routed into the tunnel", add_route,
       [](const C& c) { return key_texts(c.routes); }},
      {"table", false, "main|NUMBER",
       "routing table of the routes; with another table than main, rules send traffic from 'address' and "
       "'prefix' there",
       [](C& c, const std::string& v) {
         c.table = v == "main" ? netlink::main_table : base::parse_number<std::uint32_t>(v, 1, 0xffffffffU);
         if (c.table == local_table) throw base::ValueError("255 is the kernel's own table (local)");
       },
       [](const C& c) { return Values{c.table == netlink::main_table ? "main" : std::to_string(c.table)}; }},
      {"metric", false, "NUMBER", "metric of the routes",
       [](C& c, const std::string& v) { c.metric = base::parse_number<std::uint32_t>(v, 1, 0xffffffffU); },
       [](const C& c) { return c.metric ? Values{std::to_string(*c.metric)} : Values{}; }},
      {"mtu", false, "BYTES|auto", "tunnel MTU, 1280 to 65515; auto follows the IPv4 path",
       [](C& c, const std::string& v) {
         if (v == "auto") {
           c.mtu.reset();
         } else {
           c.mtu = base::parse_number(v, min_tunnel_mtu, max_tunnel_mtu);
         }
       },
       [](const C& c) { return Values{c.mtu ? std::to_string(*c.mtu) : "auto"}; }},
      {"pmtudisc", false, "yes|no",
       "learn the path MTU, and set DF if the path carries 1280 bytes (default: yes with 'mtu = auto', else "
       "no)",
       [](C& c, const std::string& v) { c.pmtudisc = parse_yes_or_no(v); },
       [](const C& c) { return yes_or_no(c.discovers_path_mtu()); }},
      {"ttl", false, "NUMBER|inherit", "TTL of the IPv4 packets, 1 to 255; inherit: copy the inner hop limit",
       [](C& c, const std::string& v) {
         if (v == "inherit") {
           c.ttl.reset();
         } else {
           c.ttl = base::parse_number<std::uint8_t>(v, 1, 255);
         }
       },
       [](const C& c) { return Values{c.ttl ? std::to_string(*c.ttl) : "inherit"}; }},
      {"tos", false, "HEX|inherit", "TOS octet of the IPv4 packets; inherit: copy the inner DSCP",
       [](C& c, const std::string& v) {
         if (v == "inherit") {
           c.tos.reset();
         } else {
           const bool prefixed = v.starts_with("0x") || v.starts_with("0X");
           c.tos = base::parse_number<std::uint8_t>(prefixed ? v.substr(2) : v, 0, 255, 16);
         }
       },
       [](const C& c) { return Values{c.tos ? hexadecimal(*c.tos) : "inherit"}; }},
      {"ecn", false, "yes|no", "carry ECN outward and back (RFC 6040, normal mode); no: compatibility mode",
       [](C& c, const std::string& v) { c.ecn = parse_yes_or_no(v); },
       [](const C& c) { return yes_or_no(c.ecn); }},
      {"ingress-filter", false, "yes|no",
       "drop packets from the tunnel whose source is an address of this end",
       [](C& c, const std::string& v) { c.ingress_filter = parse_yes_or_no(v); },
       [](const C& c) { return yes_or_no(c.ingress_filter); }},
      {"egress-filter", false, "yes|no",
       "refuse packets into the tunnel whose source is not an address of this end",
       [](C& c, const std::string& v) { c.egress_filter = parse_yes_or_no(v); },
       [](const C& c) { return yes_or_no(c.egress_filter); }},
      {"mss-clamp", false, "yes|no", "lower the MSS of TCP connections to what fits the tunnel MTU",
       [](C& c, const std::string& v) { c.mss_clamp = parse_yes_or_no(v); },
       [](const C& c) { return yes_or_no(c.mss_clamp); }},
      {"pool", true, "NAME: ADDRESS[, ADDRESS | FIRST-LAST | PREFIX]...",
       "addresses of this end for source rules",
       [](C& c, const std::string& v) {
         Pool pool = parse_pool(v);
         if (std::ranges::find(c.pools, pool.name, &Pool::name) != c.pools.end()) {
           throw base::ValueError(base::in_quotes(pool.name) + " is defined twice");
         }
         c.pools.push_back(std::move(pool));
       },
       [](const C& c) { return key_texts(c.pools); }},
      {"source", true, "[from PREFIX] [to PREFIX|@FILE] [proto P] [port LIST] ACTION",
       "source rule; ACTION is keep, use ADDRESS, use POOL [first|random|hash|every SECONDS], or reject",
       [](C& c, const std::string& v) { c.source_rules.push_back(parse_source_rule(v)); },
       [](const C& c) { return key_texts(c.source_rules); }},
      {"flows", false, "COUNT", "upper limit of the flows that source rules track",
       [](C& c, const std::string& v) { c.flows = base::parse_number<std::uint32_t>(v, 1, max_flows); },
       [](const C& c) { return Values{std::to_string(c.flows)}; }},
      {"recorder", false, "COUNT", "packets that the flight recorder keeps; 0: off",
       [](C& c, const std::string& v) { c.recorder = base::parse_number<std::uint32_t>(v, 0, max_recorder); },
       [](const C& c) { return Values{std::to_string(c.recorder)}; }},
      {"keepalive", false, "SECONDS", "seconds of silence before an echo request to the far end; 0: never",
       [](C& c, const std::string& v) {
         c.keepalive = std::chrono::seconds{base::parse_number<std::uint32_t>(v, 0, max_keepalive)};
       },
       [](const C& c) { return Values{std::to_string(c.keepalive.count())}; }},
      {"wire", false, "auto|raw|packet",
       "how the IPv4 side sends: by a raw socket, or by a packet socket, which bypasses the host's IP layer",
       [](C& c, const std::string& v) { c.wire = static_cast<Wire>(parse_choice(v, wire_names)); },
       [](const C& c) { return Values{std::string{wire_names[static_cast<std::size_t>(c.wire)]}}; }},
      {"checksum-offload", false, "yes|no",
       "a packet socket leaves TCP and UDP checksums to the link; its driver must support them inside 6in4",
       [](C& c, const std::string& v) { c.checksum_offload = parse_yes_or_no(v); },
       [](const C& c) { return yes_or_no(c.checksum_offload); }},
      {"queues", false, "COUNT|auto",
       "queues of the tun device, with two threads each; auto: one queue for each processor",
       [](C& c, const std::string& v) {
         if (v == "auto") {
           c.queues.reset();
         } else {
           c.queues = base::parse_number<std::uint16_t>(v, 1, max_queues);
         }
       },
       [](const C& c) { return Values{c.queues ? std::to_string(*c.queues) : "auto"}; }},
      {"control", false, "PATH", "path of the control socket",
       [](C& c, const std::string& v) { c.control = parse_control(v); },
       [](const C& c) { return c.control.empty() ? Values{} : Values{c.control}; }},
      {"log-level", false, "LEVEL", "error, warn, info or debug",
       [](C& c, const std::string& v) {
         c.log_level = static_cast<base::LogLevel>(parse_choice(v, log_level_names));
       },
       [](const C& c) {
         return Values{std::string{log_level_names[static_cast<std::size_t>(c.log_level)]}};
       }},
  };
  return table;
}

}  // namespace sixin4::config
