#include "sixin4/config/source_rules.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <span>
#include <string_view>
#include <utility>

#include "sixin4/base/options.hpp"
#include "sixin4/base/printable.hpp"
#include "sixin4/config/values.hpp"
#include "sixin4/wire/address_text.hpp"
#include "sixin4/wire/ipv6.hpp"
#include "sixin4/wire/protocol_text.hpp"
#include "sixin4/wire/transport.hpp"

#include "source_rule_text.hpp"
#include "text_file.hpp"

namespace sixin4::config {

namespace {

using Action = engine::SourceAction;
using Words = std::vector<std::string>;

constexpr std::array<std::string_view, 4> mode_names{"first", "random", "hash", "every"};
constexpr std::uint8_t icmp_of_ipv4 = 1;
constexpr std::uint32_t longest_period = 366 * 86400;

std::string trimmed(const std::string& text) {
  const auto first = text.find_first_not_of(" \t");
  if (first == std::string::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

std::vector<std::string> split_at_commas(const std::string& text) {
  std::vector<std::string> parts;
  for (std::size_t start = 0; start <= text.size();) {
    const std::size_t comma = std::min(text.find(',', start), text.size());
    parts.push_back(trimmed(text.substr(start, comma - start)));
    start = comma + 1;
  }
  return parts;
}

/// Throws ValueError if packets in a tunnel cannot have some of these addresses as their source.
void require_no_reserved(const wire::Ipv6Range& range, const std::string& text) {
  if (const auto* const reserved = reserved_in(range, LinkLocal::reserved)) {
    throw base::ValueError(base::in_quotes(text) +
                           " has addresses that cannot be a source in the tunnel: some are in " +
                           describe(*reserved));
  }
}

/// The prefix of a condition. Throws ValueError if no packet in a tunnel can match it.
wire::Ipv6Prefix parse_condition_prefix(const std::string& keyword, const std::string& text) {
  const wire::Ipv6Prefix prefix = parse_prefix(text);
  if (const auto* const reserved = reserved_around(range_of(prefix), LinkLocal::reserved)) {
    throw base::ValueError(keyword + " " + base::in_quotes(text) + " never matches: it is in " +
                           describe(*reserved));
  }
  return prefix;
}

wire::Ipv6Address parse_host_address(const std::string& text) {
  const auto address = wire::parse_ipv6_address(text);
  if (!address) throw base::ValueError(base::in_quotes(text) + " is not the IPv6 address of one host");
  require_host(*address, text);
  require_no_reserved({*address, *address}, text);
  return *address;
}

/// Whether `text` can name a pool. A name has no colon, so that it is not an address, and is not an action.
bool is_pool_name(const std::string& text) {
  constexpr std::string_view allowed = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-";
  return !text.empty() && text.find_first_not_of(allowed) == std::string::npos && text != "keep" &&
         text != "reject";
}

PoolItem parse_pool_item(const std::string& text) {
  if (text.find('/') != std::string::npos) {
    const wire::Ipv6Prefix prefix = parse_prefix(text);
    PoolItem item{.range = range_of(prefix), .prefix_length = prefix.length};
    require_no_reserved(item.range, text);
    if (prefix.length < 127) {
      const wire::Ipv6Address& first = item.range.first;
      item.range.first = wire::Ipv6Address::of_words(first.high(), first.low() + 1);
    }
    return item;
  }
  const std::size_t dash = text.find('-');
  const wire::Ipv6Address first = parse_host_address(trimmed(text.substr(0, dash)));
  if (dash == std::string::npos) return {.range = {first, first}};
  const wire::Ipv6Address last = parse_host_address(trimmed(text.substr(dash + 1)));
  if (last < first) throw base::ValueError(base::in_quotes(text) + " ends before it begins");
  require_no_reserved({first, last}, text);
  return {.range = {first, last}};
}

std::vector<engine::PortRange> parse_ports(const std::string& text) {
  std::vector<engine::PortRange> ports;
  for (const std::string& part : split_at_commas(text)) {
    if (part.empty()) {
      throw base::ValueError(
          base::in_quotes(text) +
          " is not a list of ports: write numbers and ranges, separated by commas without spaces");
    }
    const std::size_t dash = part.find('-');
    const auto first = base::parse_number<std::uint16_t>(part.substr(0, dash), 0, 65535);
    const auto last = dash == std::string::npos
                          ? first
                          : base::parse_number<std::uint16_t>(part.substr(dash + 1), 0, 65535);
    if (last < first) throw base::ValueError(base::in_quotes(part) + " ends before it begins");
    if (last == 0) throw base::ValueError("port '0' is reserved; no program listens on it");
    ports.push_back({.first = first, .last = last});
  }
  return ports;
}

/// The target of `use`, or of a line of a table.
SourceTargetText parse_target(const std::string& text) {
  if (text == "keep") return {.action = Action::keep, .pool = {}};
  if (text == "reject") return {.action = Action::reject, .pool = {}};
  if (text.find(':') != std::string::npos) {
    return {.action = Action::use, .pool = {}, .address = parse_host_address(text)};
  }
  if (!is_pool_name(text))
    throw base::ValueError(base::in_quotes(text) + " is neither an IPv6 address nor the name of a pool");
  return {.action = Action::use, .pool = text};
}

/// The words of a rule, from the left.
class RuleWords {
 public:
  explicit RuleWords(const std::string& text) : words_(split_words(text)) {}

  [[nodiscard]] bool at_end() const { return next_ == words_.size(); }
  [[nodiscard]] const std::string& take(const std::string& expected) {
    if (at_end()) throw base::ValueError("the rule is incomplete: expected " + expected);
    return words_[next_++];
  }

 private:
  Words words_;
  std::size_t next_ = 0;
};

void parse_mode(RuleWords& words, SourceRuleText& rule) {
  if (words.at_end()) return;
  const std::string word = words.take("a mode");
  const auto* const name = std::ranges::find(mode_names, word);
  if (name == mode_names.end()) {
    throw base::ValueError(base::in_quotes(word) + " is not one of first, random, hash, every SECONDS");
  }
  if (rule.target.pool.empty())
    throw base::ValueError(base::in_quotes(word) + " chooses from a pool, but 'use' names one address");
  rule.mode = static_cast<engine::PoolMode>(name - mode_names.begin());
  if (*rule.mode == engine::PoolMode::every) {
    rule.period = std::chrono::seconds{
        base::parse_number<std::uint32_t>(words.take("the seconds of 'every'"), 1, longest_period)};
  }
}

/// Takes a condition if the word begins one. Returns whether it does.
bool parse_condition(const std::string& word, RuleWords& words, SourceRuleText& rule) {
  const auto require_once = [&word](bool repeated) {
    if (repeated) throw base::ValueError(base::in_quotes(word) + " is given twice");
  };
  if (word == "from") {
    require_once(rule.from.has_value());
    rule.from = parse_condition_prefix(word, words.take("a prefix"));
  } else if (word == "to") {
    require_once(rule.to || !rule.table.empty());
    const std::string& destination = words.take("a prefix or @FILE");
    if (destination.front() != '@') {
      rule.to = parse_condition_prefix(word, destination);
    } else {
      rule.table = destination.substr(1);
      if (rule.table.empty()) throw base::ValueError("'@' needs the path of a file");
      if (rule.table.find('#') != std::string::npos) {
        throw base::ValueError(base::in_quotes(rule.table) +
                               " has a '#', which begins a comment in a configuration file");
      }
    }
  } else if (word == "proto") {
    require_once(rule.protocol.has_value());
    rule.protocol = parse_protocol(words.take("a protocol"));
  } else if (word == "port") {
    require_once(!rule.ports.empty());
    rule.ports = parse_ports(words.take("a list of ports"));
  } else {
    return false;
  }
  return true;
}

std::string text_of(const PoolItem& item) {
  if (item.prefix_length) {
    // The range may begin after the first address of the prefix.
    const wire::Ipv6Prefix whole{.address = item.range.first, .length = *item.prefix_length};
    return to_string(wire::Ipv6Prefix{.address = range_of(whole).first, .length = whole.length});
  }
  const std::string first = to_string(item.range.first);
  return item.range.first == item.range.last ? first : first + "-" + to_string(item.range.last);
}

std::string text_of(const engine::PortRange& range) {
  const std::string first = std::to_string(range.first);
  return range.first == range.last ? first : first + "-" + std::to_string(range.last);
}

std::string text_of(const SourceTargetText& target) {
  switch (target.action) {
    case Action::keep:
      return "keep";
    case Action::reject:
      return "reject";
    case Action::use:
      break;
  }
  return "use " + (target.pool.empty() ? to_string(target.address) : target.pool);
}

template <typename Items>
std::string joined(const Items& items, const char* separator) {
  std::string text;
  for (const auto& item : items) text += (text.empty() ? "" : separator) + text_of(item);
  return text;
}

/// Throws ValueError if the last item overlaps an earlier one. An address in both would be chosen more often
/// than others, and tried twice while another flow has it.
void require_no_overlap(const std::vector<PoolItem>& items) {
  const PoolItem& last = items.back();
  for (const PoolItem& item : std::span{items}.first(items.size() - 1)) {
    if (item.range.last < last.range.first || last.range.last < item.range.first) continue;
    throw base::ValueError(base::in_quotes(text_of(last)) + " overlaps " + base::in_quotes(text_of(item)));
  }
}

/// Throws ValueError if the protocol and the ports of the rule match no packet.
void require_that_it_can_match(const SourceRuleText& rule) {
  if (!rule.protocol) return;
  const std::string name = wire::protocol_name(*rule.protocol);
  if (wire::extension_kind(*rule.protocol) != wire::ExtensionKind::none) {
    throw base::ValueError("protocol " + name + " is an extension header; name the protocol after it");
  }
  if (*rule.protocol == icmp_of_ipv4) throw base::ValueError("protocol 1 is ICMP for IPv4; write icmpv6");
  if (!rule.ports.empty() && !wire::has_ports(*rule.protocol)) {
    throw base::ValueError("protocol " + name + " has no ports");
  }
}

[[noreturn]] void refuse_use_of(const std::string& action) {
  throw base::ValueError("'use " + action + "': write " + base::in_quotes(action) + " without 'use'");
}

}  // namespace

Pool parse_pool(const std::string& text) {
  const std::size_t colon = text.find(':');
  Pool pool{.name = trimmed(text.substr(0, colon)), .items = {}};
  // An IPv6 address in place of NAME also has a colon.
  const bool has_name = colon != std::string::npos && is_pool_name(pool.name) &&
                        !wire::parse_ipv6_address(trimmed(text.substr(0, text.find_first_of(",-/"))));
  if (!has_name) {
    throw base::ValueError(base::in_quotes(text) +
                           " is not NAME: ADDRESS[, ADDRESS | FIRST-LAST | PREFIX]...");
  }
  for (const std::string& item : split_at_commas(text.substr(colon + 1))) {
    pool.items.push_back(parse_pool_item(item));
    require_no_overlap(pool.items);
  }
  return pool;
}

SourceRuleText parse_source_rule(const std::string& text) {
  RuleWords words{text};
  SourceRuleText rule;
  for (;;) {
    const std::string word = words.take("one of keep, use, reject");
    if (parse_condition(word, words, rule)) continue;
    if (word == "use") {
      const std::string& target = words.take("an address or a pool");
      rule.target = parse_target(target);
      if (rule.target.action != Action::use) refuse_use_of(target);
      parse_mode(words, rule);
    } else if (word == "keep" || word == "reject") {
      rule.target = parse_target(word);
    } else {
      throw base::ValueError(base::in_quotes(word) +
                             " is not one of from, to, proto, port, keep, use, reject");
    }
    if (!words.at_end()) throw base::ValueError("unexpected '" + words.take("") + "' after the action");
    require_that_it_can_match(rule);
    return rule;
  }
}

SourceTableText read_source_table(const std::string& path) {
  SourceTableText table;
  std::map<wire::Ipv6Prefix, std::size_t> lines;
  for_each_line(path, [&](int number, const std::string& line) {
    const Words words = split_words(line.substr(0, line.find('#')));
    if (words.empty()) return;
    try {
      if (words.size() > 2)
        throw base::ValueError("unexpected " + base::in_quotes(words[2]) + " after PREFIX and target");
      const bool is_address = words[0].find('/') == std::string::npos;
      const wire::Ipv6Prefix prefix = parse_prefix(is_address ? words[0] + "/128" : words[0]);
      const auto target = words.size() == 2 ? std::optional{parse_target(words[1])} : std::nullopt;
      const auto [line_of_prefix, is_new] = lines.try_emplace(prefix, table.size());
      // Merged lists repeat lines. A repetition changes nothing.
      if (!is_new && table[line_of_prefix->second].target == target) return;
      if (!is_new) {
        throw base::ValueError(base::in_quotes(words[0]) + " has another target in line " +
                               std::to_string(table[line_of_prefix->second].number));
      }
      table.push_back({.prefix = prefix, .target = target, .number = number});
    } catch (const base::ValueError& error) {
      throw base::ConfigurationError(path + ":" + std::to_string(number) + ": " + error.what());
    }
  });
  return table;
}

std::string to_string(const Pool& pool) {
  return pool.name + ": " + joined(pool.items, ", ");
}

std::string to_string(const SourceRuleText& rule) {
  std::string text;
  if (rule.from) text += "from " + to_string(*rule.from) + " ";
  if (rule.to) text += "to " + to_string(*rule.to) + " ";
  if (!rule.table.empty()) text += "to @" + rule.table + " ";
  if (rule.protocol) text += "proto " + wire::protocol_name(*rule.protocol) + " ";
  if (!rule.ports.empty()) text += "port " + joined(rule.ports, ",") + " ";
  text += text_of(rule.target);
  if (rule.mode) text += " " + std::string{mode_names[static_cast<std::size_t>(*rule.mode)]};
  if (rule.mode == engine::PoolMode::every) text += " " + std::to_string(rule.period.count());
  return text;
}

}  // namespace sixin4::config
