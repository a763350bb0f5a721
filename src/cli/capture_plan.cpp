#include "capture_plan.hpp"

#include <array>
#include <limits>
#include <span>
#include <utility>

#include "sixin4/base/number.hpp"
#include "sixin4/base/options.hpp"
#include "sixin4/base/printable.hpp"
#include "sixin4/cli/endpoint_argument.hpp"

namespace sixin4::cli {

namespace {

using base::ConfigurationError;
using base::Option;

const Option write_option{.name = "write,w",
                          .value = "FILE",
                          .meaning =
                              "write pcapng to FILE (- is standard output) instead of a line for each "
                              "packet"};
const std::array recorder_options{write_option, control_option()};
const std::array capture_options{
    write_option,
    Option{.name = "form,i",
           .value = "FORM",
           .meaning = "inner (IPv6), outer (IPv4 around it) or both (the default)"},
    Option{.name = "direction,Q", .value = "DIRECTION", .meaning = "in or out; both by default"},
    Option{.name = "drops", .value = "", .meaning = "only packets that are dropped"},
    Option{.name = "snapshot-length,s",
           .value = "BYTES",
           .meaning = "keep at most BYTES of a packet; 0 is the default, 262144"},
    Option{.name = "count,c", .value = "COUNT", .meaning = "end after COUNT packets"},
    Option{
        .name = "ring,b",
        .value = "KEY:VALUE",
        .meaning = "filesize:KB begins a new file after KB thousand bytes; files:N keeps the last N files"},
    control_option(),
};

ConfigurationError mistake(const std::string& option, const std::string& text) {
  return ConfigurationError{"command line: --" + option + ": " + text};
}

std::string file_of(const std::string& path) {
  if (path.empty()) throw mistake("write", "the path is empty");
  return path;
}

template <typename Number>
Number number_of(const std::string& option, const std::string& text, Number least) {
  return base::parse_number_option(option, text, least, std::numeric_limits<Number>::max());
}

/// 0 is the default, as in tcpdump(8).
std::uint32_t snap_length_of(const std::string& text) {
  const auto length = number_of<std::uint32_t>("snapshot-length", text, 0);
  return length == 0 ? CapturePlan{}.snap_length : length;
}

std::optional<capture::Form> form_of(const std::string& text) {
  if (text == "inner") return capture::Form::inner;
  if (text == "outer") return capture::Form::outer;
  if (text == "both") return std::nullopt;
  throw mistake("form", base::in_quotes(text) + " is neither inner nor outer nor both");
}

engine::Direction direction_of(const std::string& text) {
  if (text == "in") return engine::Direction::in;
  if (text == "out") return engine::Direction::out;
  throw mistake("direction", base::in_quotes(text) + " is neither in nor out");
}

void read_ring(const std::string& text, capture::Rotation& rotation) {
  const auto colon = text.find(':');
  const std::string key = text.substr(0, colon);
  const std::string value = colon == std::string::npos ? "" : text.substr(colon + 1);
  if (key == "files") {
    rotation.files = number_of<std::uint32_t>("ring", value, 1);
  } else if (key == "filesize") {
    rotation.kilobytes = number_of<std::uint32_t>("ring", value, 1);
  } else {
    throw mistake("ring", base::in_quotes(text) + " is neither files:N nor filesize:KB");
  }
}

/// The first word is NAME, the others are the filter. With --control the NAME may be absent.
void read_endpoint_and_filter(CapturePlan& plan, base::Arguments arguments) {
  plan.may_begin_with_name = arguments.has(control_option().name);
  auto& words = arguments.words;
  const auto filter = words.begin() + (plan.may_begin_with_name || words.empty() ? 0 : 1);
  plan.expression.assign(filter, words.end());
  words.erase(filter, words.end());
  plan.control_path = required_endpoint(arguments, "capture").path;
}

}  // namespace

CapturePlan recorder_plan_of(const std::vector<std::string>& arguments) {
  base::Arguments parsed = base::parse_arguments(recorder_options, arguments);
  CapturePlan plan;
  for (const auto& [name, value] : parsed.options) {
    if (name == "write") plan.file = file_of(value);
  }
  plan.control_path = required_endpoint(parsed, "recorder").path;
  return plan;
}

CapturePlan capture_plan_of(const std::vector<std::string>& arguments) {
  base::Arguments parsed = base::parse_arguments(capture_options, arguments);
  CapturePlan plan;
  for (const auto& [name, value] : parsed.options) {
    if (name == "write") plan.file = file_of(value);
    if (name == "form") plan.form = form_of(value);
    if (name == "direction") plan.direction = direction_of(value);
    if (name == "drops") plan.drops_only = true;
    if (name == "snapshot-length") plan.snap_length = snap_length_of(value);
    if (name == "count") plan.count = number_of<std::uint64_t>(name, value, 1);
    if (name == "ring") read_ring(value, plan.rotation);
  }
  read_endpoint_and_filter(plan, std::move(parsed));
  if (plan.rotation.files != 0 && plan.rotation.kilobytes == 0) {
    throw mistake("ring", "files:N needs filesize:KB, the size of a file");
  }
  if (plan.rotation.kilobytes != 0 && (plan.file.empty() || plan.file == "-")) {
    throw mistake("ring", "needs --write FILE; a number and the time are added to the name of each file");
  }
  return plan;
}

std::string filter_of(const CapturePlan& plan, const std::string& interface) {
  std::span<const std::string> words{plan.expression};
  if (plan.may_begin_with_name && !words.empty() && words.front() == interface) words = words.subspan(1);
  std::string filter;
  for (const std::string& word : words) filter += (filter.empty() ? "" : " ") + word;
  return filter;
}

std::string describe_capture_options() {
  return base::describe(capture_options);
}

std::string describe_recorder_options() {
  return base::describe(recorder_options);
}

}  // namespace sixin4::cli
