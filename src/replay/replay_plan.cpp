#include "replay_plan.hpp"

#include <array>
#include <filesystem>
#include <limits>
#include <system_error>

#include "sixin4/base/number.hpp"
#include "sixin4/base/options.hpp"
#include "sixin4/base/printable.hpp"
#include "sixin4/dissect/capture_input.hpp"
#include "sixin4/wire/address_text.hpp"
#include "sixin4/wire/ipv4.hpp"

namespace sixin4::replay {

namespace {

using base::ConfigurationError;

const std::array options{
    base::Option{.name = "config,c", .value = "FILE", .meaning = "configuration of the endpoint"},
    base::Option{.name = "write,w",
                 .value = "OUT",
                 .meaning = "write the packets as pcapng instead of lines; - is standard output"},
    base::Option{.name = "json", .value = "", .meaning = "print the counters as JSON instead of lines"},
    base::Option{.name = "link-mtu",
                 .value = "BYTES",
                 .meaning = "MTU of the IPv4 link towards the far end, 68 to 65535 (1500)"}};

std::uint16_t link_mtu_of(const std::string& text) {
  return base::parse_number_option<std::uint16_t>("link-mtu", text, wire::ipv4_min_mtu,
                                                  std::numeric_limits<std::uint16_t>::max());
}

wire::Ipv4Address remote_of(const config::Configuration& configuration, const std::string& file) {
  if (const auto remote = wire::parse_ipv4_address(configuration.remote)) return *remote;
  throw ConfigurationError(file + ": remote: " + base::in_quotes(configuration.remote) +
                           " is a host name, and a replay does not resolve names: give the IPv4 address");
}

/// The other address of the first packet of protocol 41 to or from `remote` in the capture.
wire::Ipv4Address local_of(const std::string& input, const wire::Ipv4Address& remote,
                           const std::string& file) {
  const std::string advice = "; give this end's IPv4 address as local";
  std::error_code error;
  if (input == "-" ||
      (std::filesystem::exists(input, error) && !std::filesystem::is_regular_file(input, error))) {
    throw ConfigurationError(file +
                             ": local: 'auto' needs a capture file that can be read twice, not standard " +
                             "input or a pipe" + advice);
  }
  dissect::CaptureInput capture{input, true};
  while (const auto packet = capture.next()) {
    const auto header = wire::Ipv4Header::at(packet->bytes);
    if (!header || header->protocol() != wire::protocol_ipv6) continue;
    if (header->source().address == remote) return header->destination().address;
    if (header->destination().address == remote) return header->source().address;
  }
  throw ConfigurationError(file + ": local: 'auto' is taken from a packet of protocol 41 to or from " +
                           to_string(remote) + ", and " + input + " has none" + advice);
}

}  // namespace

ReplayPlan replay_plan_of(const std::vector<std::string>& arguments) {
  const base::Arguments parsed = base::parse_arguments(options, arguments);
  if (parsed.words.size() != 1) throw ConfigurationError("command line: replay needs one capture file, or -");
  ReplayPlan plan;
  plan.input = parsed.words.front();
  std::string file;
  for (const auto& [name, value] : parsed.options) {
    if (name == "config") file = value;
    if (name == "link-mtu") plan.link_mtu = link_mtu_of(value);
    plan.take({name, value});
  }
  if (file.empty())
    throw ConfigurationError("command line: replay needs -c FILE, the endpoint's configuration");
  plan.check();
  plan.configuration = config::load_configuration(std::array<std::string, 2>{"-c", file});
  plan.remote = remote_of(plan.configuration, file);
  plan.local = plan.configuration.local ? *plan.configuration.local : local_of(plan.input, plan.remote, file);
  return plan;
}

std::string describe_replay_options() {
  return base::describe(options);
}

}  // namespace sixin4::replay
