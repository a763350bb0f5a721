#include "sixin4/cli/extcap.hpp"

#include <array>
#include <cerrno>
#include <filesystem>
#include <iostream>
#include <optional>
#include <stdexcept>
#include <string_view>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <unistd.h>

#include "sixin4/base/file_descriptor.hpp"
#include "sixin4/base/options.hpp"
#include "sixin4/base/printable.hpp"
#include "sixin4/base/system_failure.hpp"
#include "sixin4/capture/filter.hpp"
#include "sixin4/control/control_socket.hpp"

#include "capture_plan.hpp"
#include "extcap_toolbar.hpp"
#include "live_capture.hpp"

namespace sixin4::cli {

namespace {

using base::ConfigurationError;
using base::Option;
using Task = ExtcapCall::Task;

// The prefix avoids a clash with the tun device, which Wireshark lists too.
constexpr std::string_view prefix = "sixin4-";

const std::array options{
    Option{.name = "extcap-interfaces", .value = "", .meaning = ""},
    Option{.name = "extcap-interface", .value = "NAME", .meaning = ""},
    Option{.name = "extcap-dlts", .value = "", .meaning = ""},
    Option{.name = "extcap-config", .value = "", .meaning = ""},
    Option{.name = "extcap-capture-filter", .value = "FILTER", .meaning = ""},
    Option{.name = "capture", .value = "", .meaning = ""},
    Option{.name = "fifo", .value = "PATH", .meaning = ""},
    Option{.name = "extcap-control-in", .value = "PATH", .meaning = ""},
    Option{.name = "extcap-control-out", .value = "PATH", .meaning = ""},
    // Options of sixin4, see `configuration` below.
    Option{.name = "form", .value = "FORM", .meaning = ""},
    Option{.name = "drops", .value = "", .meaning = ""},
    Option{.name = "filter", .value = "FILTER", .meaning = ""},
    // Accepted and ignored.
    Option{.name = "extcap-version", .value = "VERSION", .meaning = ""},
    Option{.name = "extcap-reload-option", .value = "OPTION", .meaning = ""},
    Option{.name = "extcap-cleanup-postkill", .value = "", .meaning = ""},
};

// Wireshark shows this link type before a capture. The capture itself has the link type of each interface.
constexpr const char* link_types = "dlt {number=101}{name=RAW}{display=Raw IP}\n";

constexpr const char* configuration =
    "arg {number=0}{call=--form}{display=Form}{type=radio}"
    "{tooltip=IPv6 packets, the IPv4 packets around them, or both; frame.packet_id is the same for both "
    "forms of "
    "a packet}\n"
    "value {arg=0}{value=both}{display=Inner and outer}{default=true}\n"
    "value {arg=0}{value=inner}{display=Inner: IPv6}{default=false}\n"
    "value {arg=0}{value=outer}{display=Outer: IPv4}{default=false}\n"
    "arg {number=1}{call=--drops}{display=Dropped packets only}{type=boolflag}{default=false}"
    "{tooltip=The reason is the packet's comment}\n"
    "arg {number=2}{call=--filter}{display=Filter}{type=string}"
    "{tooltip=In the language of tcpdump; must match in addition to the capture filter, in the form above}\n";

std::string endpoint_of(const std::string& interface) {
  if (!interface.starts_with(prefix) || interface.size() == prefix.size()) {
    throw ConfigurationError("command line: --extcap-interface: " + base::in_quotes(interface) +
                             " is not listed by --extcap-interfaces");
  }
  return base::from_printable(std::string_view{interface}.substr(prefix.size()));
}

void print_interfaces() {
  std::cout << "extcap {version=" SIXIN4_VERSION "}{display=sixin4}\n";
  for (const std::string& path : control::control_paths()) {
    if (!control::is_running(path)) continue;
    // Braces are escaped, because a brace would end the value.
    const std::string interface = base::printable(std::filesystem::path{path}.stem().string(), "{}");
    std::cout << "interface {value=" << prefix << interface << "}{display=6in4 tunnel " << interface << "}\n";
  }
  std::cout << describe_toolbar();
}

/// Prints the mistake in a filter, or nothing. Wireshark takes any output as a mistake.
void print_mistake(const std::string& filter) {
  try {
    (void)capture::Filter{filter};
  } catch (const std::invalid_argument& error) {
    std::cout << base::message_line(error.what()) << '\n';
  }
}

/// Makes the FIFO standard output, so that `-w -` writes to it and the capture notices when its reader is
/// gone.
void make_standard_output(const std::string& fifo) {
  const base::FileDescriptor fd{::open(fifo.c_str(), O_WRONLY | O_CLOEXEC)};
  if (!fd || ::dup2(fd.get(), STDOUT_FILENO) < 0) {
    throw base::system_failure("cannot write to " + fifo);
  }
}

void capture_into(const ExtcapCall& call) {
  CapturePlan plan = capture_plan_of(call.capture);
  plan.second_filter = call.second_filter;
  // Wireshark shows text on standard error as an error.
  plan.quiet = true;
  std::optional<ExtcapToolbar> toolbar;
  if (!call.control_in.empty() && !call.control_out.empty()) {
    toolbar.emplace(
        call.control_in, call.control_out,
        CaptureSelection{.form = plan.form, .drops_only = plan.drops_only, .filter = plan.second_filter});
  }
  make_standard_output(call.fifo);
  capture_live(std::move(plan), toolbar ? &*toolbar : nullptr);
}

}  // namespace

bool is_extcap_call(const std::vector<std::string>& arguments) {
  return !arguments.empty() &&
         (arguments.front().starts_with("--extcap-") || arguments.front() == "--capture");
}

ExtcapCall extcap_call_of(const std::vector<std::string>& arguments) {
  const base::Arguments parsed = base::parse_arguments(options, arguments);
  const auto has = [&parsed](std::string_view name) { return parsed.has(name); };
  const auto value_of = [&parsed](std::string_view name) { return parsed.value_of(name).value_or(""); };
  if (!parsed.words.empty()) {
    throw ConfigurationError("command line: " + base::in_quotes(parsed.words.front()) +
                             " is not an argument of extcap(4)");
  }
  if (has("extcap-interfaces")) return {.task = Task::interfaces};
  const std::string endpoint = endpoint_of(value_of("extcap-interface"));
  if (has("extcap-dlts")) return {.task = Task::link_types};
  if (has("extcap-config")) return {.task = Task::configuration};
  if (!has("capture") && has("extcap-capture-filter")) {
    return {.task = Task::filter_check, .filter = value_of("extcap-capture-filter")};
  }
  if (!has("capture")) throw ConfigurationError("command line: --extcap-interface needs --capture");
  if (!has("fifo")) throw ConfigurationError("command line: --capture needs --fifo PATH");
  ExtcapCall call{.task = Task::capture,
                  .filter = value_of("extcap-capture-filter"),
                  .second_filter = value_of("filter"),
                  .fifo = value_of("fifo"),
                  .control_in = value_of("extcap-control-in"),
                  .control_out = value_of("extcap-control-out"),
                  .capture = {"--write", "-"}};
  if (has("form")) call.capture.insert(call.capture.end(), {"--form", value_of("form")});
  if (has("drops")) call.capture.emplace_back("--drops");
  call.capture.insert(call.capture.end(), {"--", endpoint});
  if (!call.filter.empty()) call.capture.push_back(call.filter);
  return call;
}

void run_extcap(const std::vector<std::string>& arguments) {
  const ExtcapCall call = extcap_call_of(arguments);
  switch (call.task) {
    case Task::interfaces:
      return print_interfaces();
    case Task::link_types:
      std::cout << link_types;
      return;
    case Task::configuration:
      std::cout << configuration;
      return;
    case Task::filter_check:
      return print_mistake(call.filter);
    case Task::capture:
      return capture_into(call);
  }
}

}  // namespace sixin4::cli
