// The main program: the table of verbs, and the exit status of each error.
#include <algorithm>
#include <array>
#include <iostream>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include <fcntl.h>
#include <unistd.h>

#include "sixin4/base/options.hpp"
#include "sixin4/base/printable.hpp"
#include "sixin4/base/standard_output.hpp"
#include "sixin4/cli/capture.hpp"
#include "sixin4/cli/decode.hpp"
#include "sixin4/cli/endpoint_argument.hpp"
#include "sixin4/cli/explain.hpp"
#include "sixin4/cli/extcap.hpp"
#include "sixin4/cli/show.hpp"
#include "sixin4/config/configuration.hpp"
#include "sixin4/control/control_socket.hpp"
#include "sixin4/replay/replay.hpp"
#include "sixin4/testbed/plan.hpp"
#include "sixin4/testbed/verb.hpp"
#include "sixin4/tunnel/supervisor.hpp"

namespace {

namespace base = sixin4::base;
namespace cli = sixin4::cli;
namespace config = sixin4::config;
namespace control = sixin4::control;
namespace replay = sixin4::replay;
namespace testbed = sixin4::testbed;
namespace tunnel = sixin4::tunnel;

using base::ConfigurationError;
using Words = std::vector<std::string>;

constexpr int exit_done = 0;
constexpr int exit_usage = 1;
constexpr int exit_refused = 2;
constexpr int exit_no_endpoint = 3;

const std::array name_options{cli::control_option()};

void check(const Words& words) {
  std::istringstream lines{config::to_text(config::load_configuration(words))};
  // Output to a file has the bytes unchanged, so that `run -c` can read it. A terminal could take some bytes
  // as commands.
  const bool on_terminal = ::isatty(STDOUT_FILENO) == 1;
  for (std::string line; std::getline(lines, line);) {
    std::cout << (on_terminal ? base::printable(line) : line) << '\n';
  }
}

void reload(const Words& words) {
  const base::Arguments arguments = base::parse_arguments(name_options, words);
  (void)control::ask(cli::required_endpoint(arguments, "reload").path, "reload");
}

void down(const Words& words) {
  const base::Arguments arguments = base::parse_arguments(name_options, words);
  (void)control::ask(cli::required_endpoint(arguments, "down").path, "down", control::Wait::for_end);
}

struct Verb {
  std::string_view name;
  std::string_view usage;
  std::string_view meaning;
  void (*run)(const Words&);
  std::string (*describe_options)();
};

std::string describe_name() {
  return base::describe(name_options);
}

const std::array verbs{
    Verb{"run", "[-c FILE | NAME] [--KEY VALUE]...", "run one tunnel endpoint in the foreground",
         tunnel::run_endpoint, config::describe_configuration},
    Verb{"check", "[-c FILE | NAME] [--KEY VALUE]...",
         "validate and print the effective configuration, change nothing", check,
         config::describe_configuration},
    Verb{"show", "[NAME] [--json] [--flows] [--watch]",
         "print state and counters of all running endpoints, or of one", cli::run_show, cli::describe_show},
    Verb{"explain", "NAME DESTINATION [--from ADDRESS] [--proto P] [--port N] [--json]",
         "the fate of a packet to DESTINATION, without sending one: source address, MTU, route, verdict",
         cli::run_explain, cli::describe_explain},
    Verb{"reload", "NAME", "read the configuration again; no packet is lost", reload, describe_name},
    Verb{"down", "NAME", "stop a running endpoint", down, describe_name},
    Verb{"capture",
         "NAME [-w FILE|-] [-i inner|outer|both] [-Q in|out] [--drops] [-s SNAPLEN] [-c COUNT] [-b files:N] "
         "[-b filesize:KB] [FILTER]",
         "show or record every packet of a running endpoint, live, with the reason if it is dropped",
         cli::run_capture, cli::describe_capture},
    Verb{"recorder", "NAME [-w FILE|-]", "print or write the last packets of a running endpoint",
         cli::run_recorder, cli::describe_recorder},
    Verb{"decode", "IN [-w OUT] [--json] [FILTER]",
         "take the 6in4 packets of a capture file apart, one line for each packet", cli::run_decode,
         cli::describe_decode},
    Verb{"replay", "IN -c FILE [-w OUT] [--json]",
         "run a capture file through the packet engine with a configuration", replay::run_replay,
         replay::describe_replay},
    Verb{"bench", "[--json] [OPTION]... [WORKLOAD]...", "measure this host with both ends of a tunnel on it",
         testbed::run_bench, testbed::describe_bench},
};

void print_help() {
  std::cout << "sixin4 - a 6in4 tunnel endpoint: IPv6 in IPv4 protocol 41 (RFC 4213), in user space\n\n";
  for (const Verb& verb : verbs)
    std::cout << "  sixin4 " << verb.name << ' ' << verb.usage << "\n      " << verb.meaning << '\n';
  std::cout << "\nsixin4 VERB --help lists the options of a verb. A configuration NAME is "
               "/etc/sixin4/NAME.conf; the\n"
               "NAME of a running endpoint is its interface.\n";
}

void print_help(const Verb& verb) {
  std::cout << "sixin4 " << verb.name << ' ' << verb.usage << "\n\n"
            << verb.meaning << "\n\n"
            << verb.describe_options();
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
  if (cli::is_extcap_call(words)) {
    cli::run_extcap(words);
    return exit_done;
  }
  const auto* const verb = std::ranges::find(verbs, first, &Verb::name);
  if (verb == verbs.end()) {
    throw ConfigurationError("command line: unknown verb " + base::in_quotes(first) +
                             "; sixin4 --help lists them");
  }
  const Words rest{words.begin() + 1, words.end()};
  if (std::ranges::find(rest, "--help") != rest.end()) {
    print_help(*verb);
  } else {
    verb->run(rest);
  }
  return exit_done;
}

/// Opens /dev/null for each of the descriptors 0, 1 and 2 that is closed. Otherwise the next open(2) would
/// get the number, and its file would receive our output. Read-only, so that writing fails as on a closed
/// descriptor.
void fill_standard_descriptors() {
  int fd = 0;
  do fd = ::open("/dev/null", O_RDONLY);
  while (fd >= 0 && fd <= STDERR_FILENO);
  if (fd >= 0) (void)::close(fd);
}

int failed(int status, const char* message) {
  std::cerr << "sixin4: " << base::message_line(message) << std::endl;
  return status;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    fill_standard_descriptors();
    const int status = dispatch({argv + 1, argv + argc});
    base::flush_printed();
    return status;
  } catch (const ConfigurationError& error) {
    return failed(exit_usage, error.what());
  } catch (const control::NoSuchEndpoint& error) {
    return failed(exit_no_endpoint, error.what());
  } catch (const std::exception& error) {
    return failed(exit_refused, error.what());
  }
}
