// The options of `sixin4 bench`, their meaning and their help text.
#include "sixin4/testbed/plan.hpp"

#include <algorithm>
#include <array>
#include <filesystem>
#include <optional>
#include <span>
#include <sstream>

#include "sixin4/base/number.hpp"
#include "sixin4/base/options.hpp"
#include "sixin4/testbed/workloads.hpp"

#include "contestants.hpp"

namespace sixin4::testbed {

namespace {

using base::ConfigurationError;
using Words = std::vector<std::string>;

const std::array options{
    base::Option{.name = "json", .value = "", .meaning = "print one JSON document with every single run"},
    base::Option{.name = "rounds", .value = "N", .meaning = "turns of every contestant, 1 to 100 (1)"},
    base::Option{.name = "seconds", .value = "S", .meaning = "length of a measurement, 0.1 to 60 (2)"},
    base::Option{.name = "contestants", .value = "LIST", .meaning = "separated by commas (those with a *)"},
    base::Option{.name = "mtu", .value = "LIST", .meaning = "tunnel MTUs, 1280 to 1480 (1480)"},
    base::Option{.name = "receive-offload", .value = "HOW", .meaning = "of the link: on, off or both (on)"},
    base::Option{.name = "kernel-tunnel",
                 .value = "FILE",
                 .meaning = "the object file of the contestant 'kernel', kernel_tunnel.bpf.o"},
};

ConfigurationError option_error(const std::string& option, const std::string& reason) {
  return ConfigurationError{"command line: --" + option + ": " + reason};
}

Words split(const std::string& list) {
  Words words;
  std::istringstream stream{list};
  for (std::string word; std::getline(stream, word, ',');) words.push_back(word);
  return words;
}

template <class Named>
std::string names(const Named& named) {
  std::string text;
  for (const auto& each : named) text += (text.empty() ? "" : ", ") + std::string{each.name};
  return text;
}

Words contestants_of(const std::string& list) {
  Words words = split(list);
  for (const std::string& word : words) {
    if (std::ranges::find(contestants(), word, &Contestant::name) == contestants().end()) {
      throw option_error("contestants", "'" + word + "' is not one of " + names(contestants()));
    }
  }
  if (words.empty()) throw option_error("contestants", "name some of " + names(contestants()));
  return words;
}

std::vector<bool> receive_offloads_of(const std::string& text) {
  if (text == "on") return {true};
  if (text == "off") return {false};
  if (text == "both") return {true, false};
  throw option_error("receive-offload", "'" + text + "' is neither on nor off nor both");
}

std::vector<int> mtus_of(const std::string& list) {
  constexpr int least = 1280;
  constexpr int most = 1480;  // a link MTU of 1500 less the IPv4 header
  std::vector<int> mtus;
  for (const std::string& word : split(list))
    mtus.push_back(base::parse_number_option("mtu", word, least, most));
  if (mtus.empty()) throw option_error("mtu", "name a tunnel MTU");
  return mtus;
}

Words workloads_of(const Words& words) {
  for (const std::string& word : words) {
    if (find_workload(word) == nullptr) {
      throw ConfigurationError("command line: unknown workload '" + word + "'; the workloads are " +
                               names(workloads()));
    }
  }
  if (!words.empty()) return words;
  Words all;
  for (const Workload& workload : workloads()) all.push_back(workload.name);
  return all;
}

}  // namespace

Plan parse_plan(const Words& arguments) {
  const base::Arguments parsed = base::parse_arguments(options, arguments);
  Plan plan;
  std::vector<int> mtus{1480};
  std::vector<bool> receive_offloads{true};
  for (const auto& [name, value] : parsed.options) {
    if (name == "json") plan.json = true;
    if (name == "rounds") plan.rounds = base::parse_number_option(name, value, 1, 100);
    if (name == "seconds") plan.seconds = base::parse_number_option(name, value, 0.1, 60.0);
    if (name == "contestants") plan.contestants = contestants_of(value);
    if (name == "mtu") mtus = mtus_of(value);
    if (name == "receive-offload") receive_offloads = receive_offloads_of(value);
    if (name == "kernel-tunnel") plan.kernel_tunnel = std::filesystem::absolute(value);
  }
  plan.workloads = workloads_of(parsed.words);
  for (const int mtu : mtus) {
    for (const bool on : receive_offloads) plan.settings.push_back({.mtu = mtu, .receive_offload = on});
  }
  if (plan.contestants.empty()) {
    for (const Contestant& contestant : contestants()) {
      const bool available = contestant.name != "kernel" || !plan.kernel_tunnel.empty();
      if (contestant.is_default && available) plan.contestants.push_back(contestant.name);
    }
  } else if (plan.kernel_tunnel.empty() &&
             std::ranges::find(plan.contestants, "kernel") != plan.contestants.end()) {
    throw option_error("contestants",
                       "kernel needs --kernel-tunnel FILE, the object file kernel_tunnel.bpf.o");
  }
  return plan;
}

std::string describe_bench() {
  std::ostringstream text;
  const auto line = [&text](const std::string& name, const std::string& meaning) {
    constexpr std::size_t width = 18;
    text << "  " << name << std::string(width - std::min(width - 1, name.size()), ' ') << meaning << '\n';
  };
  text << base::describe(options) << "\nWorkloads (all, if none is named):\n";
  for (const Workload& workload : workloads()) line(workload.name, workload.meaning);
  text << "\nContestants:\n";
  for (const Contestant& contestant : contestants()) {
    line(contestant.name + (contestant.is_default ? " *" : ""), contestant.meaning);
  }
  return text.str();
}

}  // namespace sixin4::testbed
