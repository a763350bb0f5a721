#include "sixin4/config/configuration.hpp"

#include <algorithm>
#include <bit>
#include <map>
#include <system_error>

#include "sixin4/base/options.hpp"
#include "sixin4/base/printable.hpp"
#include "sixin4/config/values.hpp"
#include "sixin4/wire/address_text.hpp"

#include "configuration_keys.hpp"
#include "source_rule_text.hpp"
#include "text_file.hpp"

namespace sixin4::config {

namespace {

constexpr const char* command_line = "command line";
constexpr const char* file_option = "config";

std::vector<base::Option> key_options() {
  std::vector<base::Option> options;
  for (const Key& key : keys())
    options.push_back({.name = key.name, .value = key.value, .meaning = key.meaning});
  return options;
}

std::vector<base::Option> all_options() {
  std::vector<base::Option> options{
      {.name = std::string{file_option} + ",c", .value = "FILE", .meaning = "configuration file"}};
  std::ranges::move(key_options(), std::back_inserter(options));
  return options;
}

/// A value and its place: `FILE:LINE` or `command line`.
struct Setting {
  std::string value;
  std::string place;
};
using Settings = std::map<std::string, std::vector<Setting>, std::less<>>;

void add_setting(Settings& settings, const base::KeyValue& option, const std::string& place) {
  const auto& [name, value] = option;
  auto& earlier = settings[name];
  const auto key = std::ranges::find(keys(), name, &Key::name);
  if (!earlier.empty() && (key == keys().end() || !key->repeats)) {
    throw base::ConfigurationError(place + ": " + name + ": given twice, first at " + earlier.front().place);
  }
  earlier.push_back({.value = value, .place = place});
}

/// Parses line by line, so that each error names its line.
Settings read_file(const std::string& path) {
  const std::vector<base::Option> options = key_options();
  Settings settings;
  for_each_line(path, [&](int number, const std::string& line) {
    const std::string place = path + ":" + std::to_string(number);
    for (const base::KeyValue& option : base::parse_line(options, line, place))
      add_setting(settings, option, place);
  });
  return settings;
}

/// The path of the configuration file of the tunnel NAME.
std::string path_of(const std::string& name) {
  if (name.find('/') != std::string::npos) {
    throw base::ConfigurationError("command line: " + base::in_quotes(name) +
                                   " is not a tunnel's name; give a file with -c FILE");
  }
  return "/etc/sixin4/" + name + ".conf";
}

bool is_own(const Configuration& configuration, const wire::Ipv6Range& range) {
  const auto has = [&range](const wire::Ipv6Prefix& prefix) {
    return prefix.contains(range.first) && prefix.contains(range.last);
  };
  return std::ranges::any_of(configuration.prefixes, has) ||
         std::ranges::any_of(configuration.addresses, [&has](const netlink::InterfaceAddress& address) {
           return has({.address = address.address, .length = 128});
         });
}

/// Throws ValueError if the egress filter would refuse packets with such a source.
void require_own(const Configuration& configuration, const wire::Ipv6Range& range) {
  if (!configuration.egress_filter || is_own(configuration, range)) return;
  const std::string text =
      to_string(range.first) + (range.first == range.last ? std::string{} : " to " + to_string(range.last));
  throw base::ValueError(
      text + " is not an address of this end: add it as 'address', or a 'prefix' that contains it");
}

void check_target(const Configuration& configuration, const SourceTargetText& target) {
  if (target.action != engine::SourceAction::use) return;
  if (target.pool.empty()) return require_own(configuration, {target.address, target.address});
  if (std::ranges::find(configuration.pools, target.pool, &Pool::name) == configuration.pools.end()) {
    throw base::ValueError("there is no 'pool' " + base::in_quotes(target.pool));
  }
}

/// Reads the table of a rule.
SourceTableText table_of(const SourceRuleText& rule) {
  try {
    return read_source_table(rule.table);
  } catch (const std::system_error& error) {
    throw std::system_error(error.code(), "source = " + to_string(rule) + ": cannot read " + rule.table);
  }
}

/// Throws ConfigurationError if `local` is `remote`, if `dev` is `interface`, or if the recorders are too
/// large.
void check_ends(const Settings& settings, const Configuration& configuration) {
  const auto refuse = [&settings](const char* key, const std::string& mistake) {
    throw base::ConfigurationError(settings.find(key)->second.front().place + ": " + key + ": " + mistake);
  };
  if (configuration.local && configuration.local == wire::parse_ipv4_address(configuration.remote)) {
    refuse("local", base::in_quotes(to_string(*configuration.local)) +
                        " is the far end's address, see 'remote'; give the address of this end");
  }
  if (configuration.dev == configuration.interface) {
    refuse("dev", base::in_quotes(configuration.dev) +
                      " is the tunnel's own 'interface', which cannot carry its IPv4 packets");
  }
  if (configuration.queues) {
    const std::string excess = recorder_excess(configuration.recorder, *configuration.queues);
    if (!excess.empty()) refuse("recorder", excess);
  }
}

void check_table(const Configuration& configuration, const std::string& path, const SourceTableText& table) {
  for (const SourceTableLineText& line : table) {
    if (!line.target) continue;
    try {
      check_target(configuration, *line.target);
    } catch (const base::ValueError& error) {
      throw base::ConfigurationError(path + ":" + std::to_string(line.number) + ": " + error.what());
    }
  }
}

/// Reads the tables, and checks that rules, pools and tables fit together.
void check_source_rules(const Settings& settings, Configuration& configuration) {
  const auto refuse = [&settings](const char* key, std::size_t index, const std::string& mistake) {
    throw base::ConfigurationError(settings.find(key)->second[index].place + ": " + key + ": " + mistake);
  };
  if (configuration.source_rules.size() > max_source_rules) {
    refuse("source", max_source_rules, "there are more than " + std::to_string(max_source_rules) + " rules");
  }
  const auto check_each = [&refuse](const char* key, const auto& items, const auto& check) {
    for (std::size_t i = 0; i < items.size(); ++i) {
      try {
        check(items[i]);
      } catch (const base::ValueError& error) {
        refuse(key, i, error.what());
      }
    }
  };
  check_each("pool", configuration.pools, [&](const Pool& pool) {
    for (const PoolItem& item : pool.items) require_own(configuration, item.range);
  });
  check_each("source", configuration.source_rules, [&](const SourceRuleText& rule) {
    check_target(configuration, rule.target);
    if (rule.table.empty() || configuration.source_tables.contains(rule.table)) return;
    const auto& table = configuration.source_tables.emplace(rule.table, table_of(rule)).first->second;
    check_table(configuration, rule.table, table);
  });
}

}  // namespace

std::string recorder_excess(std::uint32_t packets, std::size_t queues) {
  constexpr std::uint64_t bytes_of_a_packet = 128;
  constexpr std::uint64_t threads_of_a_queue = 2;
  constexpr std::uint64_t most = std::uint64_t{1} << 30U;
  const std::uint64_t bytes = bytes_of_a_packet * threads_of_a_queue * queues * std::bit_ceil(packets);
  if (bytes <= most) return {};
  constexpr unsigned mebi_shift = 20;
  return std::to_string(packets) + " packets with " + std::to_string(queues) + " 'queues' would take " +
         std::to_string(bytes >> mebi_shift) + " MiB, more than " + std::to_string(most >> mebi_shift) +
         " MiB: lower 'recorder' or 'queues'";
}

Configuration load_configuration(std::span<const std::string> arguments) {
  const base::Arguments parsed = base::parse_arguments(all_options(), arguments);
  Settings from_arguments;
  for (const base::KeyValue& option : parsed.options) add_setting(from_arguments, option, command_line);

  std::vector<std::string> files;
  for (const Setting& file : from_arguments[file_option]) files.push_back(file.value);
  from_arguments.erase(file_option);
  for (const std::string& name : parsed.words) files.push_back(path_of(name));
  if (files.size() > 1)
    throw base::ConfigurationError("command line: give one configuration, a NAME or -c FILE");

  Settings settings = files.empty() ? Settings{} : read_file(files.front());
  for (auto& [name, values] : from_arguments) settings[name] = std::move(values);

  Configuration configuration;
  for (const Key& key : keys()) {
    for (const Setting& setting : settings[key.name]) {
      try {
        key.set(configuration, setting.value);
      } catch (const base::ValueError& error) {
        throw base::ConfigurationError(setting.place + ": " + key.name + ": " + error.what());
      }
    }
  }
  check_ends(settings, configuration);
  check_source_rules(settings, configuration);
  if (configuration.remote.empty()) {
    throw base::ConfigurationError((files.empty() ? command_line : files.front()) +
                                   ": remote: missing; give the IPv4 address or host name of the far end");
  }
  return configuration;
}

std::string to_text(const Configuration& configuration) {
  std::string text;
  for (const Key& key : keys()) {
    for (const std::string& value : key.get(configuration))
      text += std::string{key.name} + " = " + value + "\n";
  }
  return text;
}

std::string describe_configuration() {
  return describe(all_options());
}

}  // namespace sixin4::config
