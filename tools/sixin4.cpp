// The program: verbs to functions, and errors to exit statuses.
#include <array>
#include <functional>
#include <iostream>
#include <optional>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include <fcntl.h>
#include <unistd.h>

#include "sixin4/base/options.hpp"
#include "sixin4/base/printable.hpp"
#include "sixin4/base/standard_output.hpp"
#include "sixin4/config/configuration.hpp"
#include "sixin4/control/control_socket.hpp"
#include "sixin4/control/explanation.hpp"
#include "sixin4/control/flow_status.hpp"
#include "sixin4/control/status.hpp"

#include "bench/plan.hpp"
#include "bench/verb.hpp"
#include "capture.hpp"
#include "decode.hpp"
#include "extcap.hpp"
#include "replay.hpp"
#include "run.hpp"
#include "watch.hpp"

namespace {

using sixin4::base::Arguments;
using sixin4::base::ConfigurationError;
using sixin4::base::Option;
using Words = std::vector<std::string>;

constexpr int exit_done = 0;
constexpr int exit_usage = 1;
constexpr int exit_refused = 2;
constexpr int exit_no_endpoint = 3;

const Option control_option{.name = "control",
                            .value = "PATH",
                            .meaning = "path of the control socket, where it is not the usual one"};
const std::array show_options{
    Option{.name = "json", .value = "", .meaning = "print a list of objects for machines"},
    Option{
        .name = "flows", .value = "", .meaning = "the flows of one endpoint that source rules keep track of"},
    Option{.name = "watch", .value = "", .meaning = "look again and again, and show rates, too"},
    Option{.name = "interval", .value = "SECONDS", .meaning = "between looks, 0.1 to 3600; 1 by default"},
    control_option};
const std::array name_options{control_option};
const std::array explain_options{
    Option{
        .name = "from", .value = "ADDRESS", .meaning = "source that the program uses; else the host chooses"},
    Option{.name = "proto", .value = "PROTOCOL", .meaning = "tcp (the default), udp, icmpv6 or a number"},
    Option{.name = "port", .value = "NUMBER", .meaning = "destination port"},
    Option{.name = "json", .value = "", .meaning = "print an object for machines"}, control_option};

/// The one endpoint that NAME or --control names.
std::string path_of_endpoint(const Arguments& arguments, std::string_view verb) {
  if (arguments.words.size() > 1) throw ConfigurationError("command line: give one NAME");
  for (const auto& [name, value] : arguments.options) {
    if (name == control_option.name) return value;
  }
  if (arguments.words.empty()) {
    throw ConfigurationError("command line: " + std::string{verb} +
                             " needs the NAME of a running endpoint, or --control PATH");
  }
  return sixin4::control::control_path(arguments.words.front());
}

void run(const Words& words) {
  sixin4::run_endpoint(words);
}

void check(const Words& words) {
  std::istringstream lines{sixin4::config::to_text(sixin4::config::load_configuration(words))};
  // A file has the bytes as they are, so that it reads back; a terminal would take some for commands.
  const bool on_terminal = ::isatty(STDOUT_FILENO) == 1;
  for (std::string line; std::getline(lines, line);) {
    std::cout << (on_terminal ? sixin4::base::printable(line) : line) << '\n';
  }
}

void show(const Words& words) {
  const Arguments arguments = sixin4::base::parse_arguments(show_options, words);
  const auto has = [&arguments](std::string_view name) {
    return std::ranges::find(arguments.options, name, &sixin4::base::KeyValue::first) !=
           arguments.options.end();
  };
  const bool json = has("json");
  if (has("watch")) {
    sixin4::run_watch(sixin4::watch_plan_of(arguments));
    return;
  }
  if (has("interval")) throw ConfigurationError("command line: --interval: is for --watch");
  if (has("flows")) {
    const std::string path = path_of_endpoint(arguments, "show --flows");
    const Words pages = sixin4::control::ask_for_flows(
        [&path](const std::string& request) { return sixin4::control::ask(path, request); });
    std::cout << (json ? sixin4::control::flows_json(pages) : sixin4::control::flows_text(pages));
    return;
  }
  const bool one = !arguments.words.empty() || has(control_option.name);

  Words statuses;
  std::string silent;
  if (one) {
    statuses.push_back(sixin4::control::ask(path_of_endpoint(arguments, "show"), "show"));
  } else {
    for (const std::string& path : sixin4::control::control_paths()) {
      try {
        statuses.push_back(sixin4::control::ask(path, "show"));
      } catch (const sixin4::control::NoSuchEndpoint&) {
        continue;  // left over from an endpoint that was killed
      } catch (const std::exception& error) {
        silent += (silent.empty() ? "" : "; ") + std::string{error.what()};
      }
    }
  }
  std::cout << (json ? sixin4::control::show_json(statuses) : sixin4::control::show_text(statuses));
  if (!silent.empty()) throw std::runtime_error(silent);
}

void explain(const Words& words) {
  Arguments arguments = sixin4::base::parse_arguments(explain_options, words);
  const auto given = [&arguments](std::string_view name) -> std::optional<std::string> {
    const auto option = std::ranges::find(arguments.options, name, &sixin4::base::KeyValue::first);
    return option == arguments.options.end() ? std::nullopt : std::optional{option->second};
  };
  if (arguments.words.empty()) throw ConfigurationError("command line: explain needs a DESTINATION");
  const std::string destination = arguments.words.back();
  arguments.words.pop_back();
  const auto query =
      sixin4::control::parse_explain_query(destination, given("from"), given("proto"), given("port"));
  const std::string answer =
      sixin4::control::ask(path_of_endpoint(arguments, "explain"), sixin4::control::explain_request(query));
  std::cout << (given("json") ? sixin4::control::explanation_json(answer)
                              : sixin4::control::explanation_text(answer));
}

void reload(const Words& words) {
  const Arguments arguments = sixin4::base::parse_arguments(name_options, words);
  (void)sixin4::control::ask(path_of_endpoint(arguments, "reload"), "reload");
}

void down(const Words& words) {
  const Arguments arguments = sixin4::base::parse_arguments(name_options, words);
  (void)sixin4::control::ask(path_of_endpoint(arguments, "down"), "down", sixin4::control::Wait::for_end);
}

void capture(const Words& words) {
  sixin4::run_capture(words);
}

void recorder(const Words& words) {
  sixin4::run_recorder(words);
}

void decode(const Words& words) {
  sixin4::run_decode(words);
}

void replay(const Words& words) {
  sixin4::run_replay(words);
}

void bench(const Words& words) {
  sixin4::bench::run_bench(words);
}

struct Verb {
  std::string_view name;
  std::string_view usage;
  std::string_view meaning;
  std::function<void(const Words&)> act;
  std::function<std::string()> options;
};

const std::array verbs{
    Verb{"run", "[-c FILE | NAME] [--KEY VALUE]...", "run one tunnel endpoint in the foreground", run,
         sixin4::config::describe_configuration},
    Verb{"check", "[-c FILE | NAME] [--KEY VALUE]...",
         "print the complete effective configuration, touch nothing", check,
         sixin4::config::describe_configuration},
    Verb{"show", "[NAME] [--json] [--flows] [--watch]",
         "state and counters of all running endpoints, or of one", show,
         [] { return sixin4::base::describe(show_options); }},
    Verb{"explain", "NAME DESTINATION [--from ADDRESS] [--proto P] [--port N] [--json]",
         "what would become of such a packet: source address and why, MTU, route, verdict", explain,
         [] { return sixin4::base::describe(explain_options); }},
    Verb{"reload", "NAME", "read the configuration again without losing a packet", reload,
         [] { return sixin4::base::describe(name_options); }},
    Verb{"down", "NAME", "stop a running endpoint", down,
         [] { return sixin4::base::describe(name_options); }},
    Verb{"capture",
         "NAME [-w FILE|-] [-i inner|outer|both] [-Q in|out] [--drops] [-s SNAPLEN] [-c COUNT] [-b files:N] "
         "[-b filesize:KB] [FILTER]",
         "every packet that a running endpoint sees, live, and why it was dropped", capture,
         sixin4::describe_capture},
    Verb{"recorder", "NAME [-w FILE|-]", "the last packets that an endpoint has handled", recorder,
         sixin4::describe_recorder},
    Verb{"decode", "IN [-w OUT] [--json] [FILTER]",
         "take the 6in4 packets of a capture file apart, one line a packet", decode, sixin4::describe_decode},
    Verb{"replay", "IN -c FILE [-w OUT] [--json]",
         "run a capture file through the packet engine as the endpoint of a configuration", replay,
         sixin4::describe_replay},
    Verb{"bench", "[--json] [OPTION]... [WORKLOAD]...", "measure this host with both ends of a tunnel on it",
         bench, sixin4::bench::describe_bench},
};

void print_help() {
  std::cout << "sixin4 - a 6in4 tunnel endpoint: IPv6 in IPv4 protocol 41 (RFC 4213), in user space\n\n";
  for (const Verb& verb : verbs)
    std::cout << "  sixin4 " << verb.name << ' ' << verb.usage << "\n      " << verb.meaning << '\n';
  std::cout
      << "\nsixin4 VERB --help tells a verb's options. NAME as a configuration is /etc/sixin4/NAME.conf;\n"
         "NAME of a running endpoint is its interface.\n";
}

void print_help(const Verb& verb) {
  std::cout << "sixin4 " << verb.name << ' ' << verb.usage << "\n\n"
            << verb.meaning << "\n\n"
            << verb.options();
}

int dispatch(const Words& words) {
  if (words.empty()) throw ConfigurationError("command line: give a verb; sixin4 --help lists them");
  const std::string& first = words.front();
  if (first == "--help" || first == "-h" || first == "help") {
    print_help();
    return exit_done;
  }
  if (first == "--version") {
    std::cout << "sixin4 " SIXIN4_VERSION "\n";
    return exit_done;
  }
  if (sixin4::is_extcap_call(words)) {
    sixin4::run_extcap(words);
    return exit_done;
  }
  const auto* const verb = std::ranges::find(verbs, first, &Verb::name);
  if (verb == verbs.end())
    throw ConfigurationError("command line: unknown verb " + sixin4::base::in_quotes(first) +
                             "; sixin4 --help lists them");
  const Words rest{words.begin() + 1, words.end()};
  if (std::ranges::find(rest, "--help") != rest.end()) {
    print_help(*verb);
  } else {
    verb->act(rest);
  }
  return exit_done;
}

/// Where one was closed, what is opened next would be written to by whoever prints. To write to this one is
/// refused as it is to a closed one.
void fill_standard_descriptors() {
  int fd = 0;
  do fd = ::open("/dev/null", O_RDONLY);
  while (fd >= 0 && fd <= STDERR_FILENO);
  if (fd >= 0) (void)::close(fd);
}

int failed(int status, const char* what) {
  std::cerr << "sixin4: " << sixin4::base::message_line(what) << std::endl;
  return status;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    fill_standard_descriptors();
    const int status = dispatch({argv + 1, argv + argc});
    sixin4::base::flush_printed();
    return status;
  } catch (const ConfigurationError& error) {
    return failed(exit_usage, error.what());
  } catch (const sixin4::control::NoSuchEndpoint& error) {
    return failed(exit_no_endpoint, error.what());
  } catch (const std::exception& error) {
    return failed(exit_refused, error.what());
  }
}
