#include "decode.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <iostream>
#include <optional>
#include <stdexcept>
#include <utility>

#include <unistd.h>

#include "sixin4/capture/filter.hpp"
#include "sixin4/capture/layers.hpp"
#include "sixin4/control/options.hpp"

#include "capture_input.hpp"
#include "packet_json.hpp"
#include "packet_text.hpp"
#include "pcapng_output.hpp"
#include "progress.hpp"

namespace sixin4 {

namespace {

using capture::Layer;
using control::ConfigurationError;

const std::array options{
    control::Option{.name = "write,w",
                    .value = "OUT",
                    .meaning = "write the inner packets as pcapng instead of lines; - is standard output"},
    control::Option{.name = "json", .value = "", .meaning = "print an object a line for machines"}};

struct Plan {
  std::string input;
  std::string output;  ///< empty: none
  bool json = false;
  std::string filter;
};

Plan plan_of(const std::vector<std::string>& arguments) {
  const control::Arguments given = control::parse_arguments(options, arguments);
  if (given.words.empty()) throw ConfigurationError("command line: decode needs a capture file, or -");
  Plan plan;
  plan.input = given.words.front();
  for (const auto& [name, value] : given.options) {
    if (name == "json") plan.json = true;
    if (name != "write") continue;
    if (value.empty()) throw ConfigurationError("command line: -w: give a file, or -");
    plan.output = value;
  }
  for (std::size_t i = 1; i < given.words.size(); ++i) plan.filter += (i == 1 ? "" : " ") + given.words[i];
  if (plan.json && plan.output == "-") {
    throw ConfigurationError("command line: --json and -w - both want standard output");
  }
  refuse_same_file(plan.input, plan.output);
  return plan;
}

capture::Filter filter_of(const std::string& expression) {
  try {
    return capture::Filter{expression};
  } catch (const std::invalid_argument& error) {
    throw ConfigurationError(std::string{"command line: "} + error.what());
  }
}

class Decoder {
 public:
  explicit Decoder(Plan plan);
  void run();

 private:
  struct Counts {
    std::uint64_t tunnelled = 0;
    std::uint64_t truncated = 0;
    std::uint64_t malformed = 0;
    std::uint64_t taken = 0;
    std::uint64_t unwritten = 0;  ///< taken, but without an inner packet to write
  };

  void decode();
  void take(const InputPacket& packet);
  void write(const InputPacket& packet, const Layer* inner);
  void report() const;

  Plan plan_;
  capture::Filter filter_;
  CaptureInput input_;
  std::optional<PcapngOutput> output_;
  bool prints_;
  bool live_;  ///< somebody may wait for every packet
  Counts counts_;
};

Decoder::Decoder(Plan plan)
    : plan_(std::move(plan)),
      filter_(filter_of(plan_.filter)),
      input_(plan_.input),
      prints_(plan_.output.empty() || plan_.json),
      live_(!input_.file().size()) {
  if (!plan_.output.empty()) output_.emplace(plan_.output, std::vector<std::string>{"inner"});
}

void Decoder::run() {
  try {
    decode();
  } catch (const ConfigurationError&) {
    // What was readable is worth something.
    if (output_) output_->flush();
    std::cout.flush();
    report();
    throw;
  }
  if (output_) output_->flush();
  std::cout.flush();
  report();
}

void Decoder::decode() {
  Progress progress{input_.file().size(), prints_ && ::isatty(STDOUT_FILENO) == 1};
  while (const auto packet = input_.next()) {
    take(*packet);
    progress.step([this] { return input_.file().position(); });
  }
}

void Decoder::take(const InputPacket& packet) {
  const capture::Layers layers = capture::take_apart(packet.bytes, packet.length);
  const auto outer = layers.outer_6in4();
  if (!outer) return;
  ++counts_.tunnelled;
  if (layers.is_truncated()) ++counts_.truncated;
  if (layers.end == capture::LayersEnd::malformed) ++counts_.malformed;
  const Layer* const inner = *outer + 1 < layers.count ? &layers.all.at(*outer + 1) : nullptr;
  if (!plan_.filter.empty()) {
    const auto length = [&] { return static_cast<std::uint32_t>(inner->length - inner->missing); };
    if (inner == nullptr || !filter_.matches(inner->bytes, length())) return;
  }
  ++counts_.taken;
  if (prints_) {
    std::cout << (plan_.json ? packet_json(layers, {.time = packet.time, .fragments = packet.fragments})
                             : time_text(packet.time) + ' ' + describe_layers(layers) +
                                   (packet.fragments == 0
                                        ? "\n"
                                        : " [of " + std::to_string(packet.fragments) + " fragments]\n"));
    if (live_) std::cout.flush();
  }
  if (output_) write(packet, inner);
}

void Decoder::write(const InputPacket& packet, const Layer* inner) {
  if (inner == nullptr) {
    ++counts_.unwritten;
    return;
  }
  output_->write({.time_ns = static_cast<std::uint64_t>(packet.time.count()),
                  .bytes = inner->bytes,
                  .length = static_cast<std::uint32_t>(inner->length - inner->missing)});
  if (live_) output_->flush();
}

/// `6in4: 80 of 120 packets (…)`
void Decoder::report() const {
  const InputCounts& input = input_.counts();
  std::string details;
  const auto tell = [&details](std::uint64_t count, const std::string& what) {
    if (count != 0) details += (details.empty() ? " (" : ", ") + std::to_string(count) + ' ' + what;
  };
  tell(input.reassembled,
       "put together from " + std::to_string(input.fragments - input_.left_over()) + " fragments");
  tell(counts_.truncated, "truncated");
  tell(counts_.malformed, "malformed");
  if (!plan_.filter.empty())
    details += (details.empty() ? " (" : ", ") + std::to_string(counts_.taken) + " match";
  std::cerr << input.frames << " packets, " << counts_.tunnelled << " of 6in4"
            << details + (details.empty() ? "" : ")");
  if (input_.left_over() != 0) std::cerr << ", " << input_.left_over() << " fragments of incomplete ones";
  if (input.cut_short != 0) std::cerr << ", " << input.cut_short << " cut short before their IP header";
  if (counts_.unwritten != 0)
    std::cerr << "; not written: " << counts_.unwritten << " without an inner header";
  std::cerr << '\n';
}

}  // namespace

void run_decode(const std::vector<std::string>& arguments) {
  Decoder{plan_of(arguments)}.run();
}

std::string describe_decode() {
  return control::describe(options) +
         "\nIN is a pcap or pcapng file, or - for standard input. FILTER is in the language of tcpdump\n"
         "(pcap-filter(7)) and looks at the inner packet. How many packets there were is told on standard "
         "error.\n";
}

}  // namespace sixin4
