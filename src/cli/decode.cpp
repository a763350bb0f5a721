#include "sixin4/cli/decode.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <iostream>
#include <optional>
#include <utility>

#include "sixin4/base/options.hpp"
#include "sixin4/base/standard_output.hpp"
#include "sixin4/capture/filter.hpp"
#include "sixin4/capture/pcapng_file.hpp"
#include "sixin4/dissect/capture_input.hpp"
#include "sixin4/dissect/layers.hpp"
#include "sixin4/dissect/link_layer.hpp"
#include "sixin4/dissect/offline_options.hpp"
#include "sixin4/dissect/packet_json.hpp"
#include "sixin4/dissect/packet_text.hpp"

#include "filter_option.hpp"

namespace sixin4::cli {

namespace {

using base::ConfigurationError;
using dissect::Layer;

const std::array options{
    base::Option{.name = "write,w",
                 .value = "OUT",
                 .meaning = "write the inner packets as pcapng instead of lines; - is standard output"},
    base::Option{.name = "json", .value = "", .meaning = "print a JSON object per packet instead of text"}};

struct Plan : dissect::OfflineOptions {
  std::string filter;
};

Plan plan_of(const std::vector<std::string>& arguments) {
  const base::Arguments parsed = base::parse_arguments(options, arguments);
  if (parsed.words.empty()) throw ConfigurationError("command line: decode needs a capture file, or -");
  Plan plan;
  plan.input = parsed.words.front();
  for (const base::KeyValue& option : parsed.options) plan.take(option);
  for (std::size_t i = 1; i < parsed.words.size(); ++i) plan.filter += (i == 1 ? "" : " ") + parsed.words[i];
  plan.check();
  return plan;
}

class Decoder {
 public:
  explicit Decoder(Plan plan);
  void run();

 private:
  struct Counts {
    std::uint64_t tunnelled = 0;
    std::uint64_t cut_short = 0;  ///< in their IP header, so the protocol is not known
    std::uint64_t truncated = 0;
    std::uint64_t malformed = 0;
    std::uint64_t taken = 0;
    std::uint64_t unwritten = 0;  ///< taken, but without an inner packet to write
  };

  void finish();
  void take(const dissect::InputPacket& packet);
  void take(const dissect::IncompletePacket& packet) const;
  void print(const std::string& line) const;
  void write(const dissect::InputPacket& packet, const Layer* inner);
  void report() const;

  Plan plan_;
  capture::Filter filter_;
  bool prints_;
  dissect::CaptureInput input_;
  std::optional<capture::PcapngFile> output_;
  bool live_;  ///< the input is a pipe, so a reader may wait for every packet
  Counts counts_;
};

Decoder::Decoder(Plan plan)
    : plan_(std::move(plan)),
      filter_(filter_option(plan_.filter)),
      prints_(plan_.output.empty() || plan_.json),
      input_(
          plan_.input, !plan_.prints_on_terminal(),
          [this](const dissect::IncompletePacket& packet) { take(packet); },
          dissect::CaptureInput::Carriers::are_opened),
      live_(!input_.file().size()) {
  if (!plan_.output.empty()) output_ = capture::open_pcapng_file(plan_.output, {"inner"});
}

void Decoder::run() {
  try {
    while (const auto packet = input_.next()) take(*packet);
  } catch (const ConfigurationError&) {
    finish();  // writes and reports the packets before the damaged part of the file
    throw;
  }
  finish();
}

void Decoder::finish() {
  if (output_) output_->flush();
  base::flush_printed();
  report();
}

void Decoder::take(const dissect::InputPacket& packet) {
  const dissect::Layers layers = dissect::take_apart(packet.bytes, packet.length);
  if (layers.count == 0 && layers.end == dissect::LayersEnd::cut_short) ++counts_.cut_short;
  const auto outer = layers.outer_6in4();
  if (!outer) return;
  ++counts_.tunnelled;
  if (layers.is_truncated()) ++counts_.truncated;
  if (layers.end == dissect::LayersEnd::malformed) ++counts_.malformed;
  const Layer* const inner = *outer + 1 < layers.count ? &layers.all.at(*outer + 1) : nullptr;
  if (!plan_.filter.empty()) {
    const auto length = [&] { return static_cast<std::uint32_t>(inner->length - inner->missing); };
    if (inner == nullptr || !filter_.matches(inner->bytes, length())) return;
  }
  ++counts_.taken;
  if (prints_) {
    const std::string fragments =
        packet.fragments == 0 ? "" : " [of " + std::to_string(packet.fragments) + " fragments]";
    print(plan_.json
              ? dissect::packet_json(layers, {.time = packet.time, .fragments = packet.fragments})
              : dissect::time_text(packet.time) + ' ' + dissect::describe_layers(layers) + fragments + '\n');
  }
  if (output_) write(packet, inner);
}

/// No filter matches, because the inner packet is not known.
void Decoder::take(const dissect::IncompletePacket& packet) const {
  if (!prints_ || !plan_.filter.empty()) return;
  print(plan_.json ? dissect::packet_json(packet)
                   : dissect::time_text(packet.time) + ' ' + dissect::describe_incomplete(packet) + '\n');
}

void Decoder::print(const std::string& line) const {
  base::print(line);
  if (live_) base::flush_printed();
}

void Decoder::write(const dissect::InputPacket& packet, const Layer* inner) {
  if (inner == nullptr) {
    ++counts_.unwritten;
    return;
  }
  wire::pcapng::append_packet(output_->buffer(),
                              {.time_ns = static_cast<std::uint64_t>(packet.time.count()),
                               .bytes = inner->bytes,
                               .length = static_cast<std::uint32_t>(inner->length - inner->missing)});
  if (live_ || output_->has_full_buffer()) output_->flush();
}

/// `120 packets, 80 of 6in4 (…)`
void Decoder::report() const {
  const dissect::InputCounts& input = input_.counts();
  std::string details;
  const auto add = [&details](std::uint64_t count, const std::string& kind) {
    if (count != 0) details += (details.empty() ? " (" : ", ") + std::to_string(count) + ' ' + kind;
  };
  add(input.reassembled, "put together from " + std::to_string(input.fragments) + " fragments");
  add(counts_.truncated, "truncated");
  add(counts_.malformed, "malformed");
  if (!plan_.filter.empty())
    details += (details.empty() ? " (" : ", ") + std::to_string(counts_.taken) + " match";
  std::cerr << input.frames << " packets, " << counts_.tunnelled << " of 6in4"
            << details + (details.empty() ? "" : ")");
  if (input_.left_over() != 0) std::cerr << ", " << input_.left_over() << " fragments of incomplete ones";
  const std::uint64_t cut_short = input.cut_short + counts_.cut_short;
  if (cut_short != 0) std::cerr << ", " << cut_short << " cut short before the end of their IP header";
  if (input_.unknown_link_type()) {
    std::cerr << ", " << input.unknown_link << " of link types that sixin4 does not know, such as "
              << dissect::link_type_text(*input_.unknown_link_type());
  }
  if (counts_.unwritten != 0)
    std::cerr << "; not written: " << counts_.unwritten << " without an inner header";
  std::cerr << '\n';
}

}  // namespace

void run_decode(const std::vector<std::string>& arguments) {
  Decoder{plan_of(arguments)}.run();
}

std::string describe_decode() {
  return base::describe(options) +
         "\nIN is a pcap or pcapng file, or - for standard input. FILTER is an expression in the language\n"
         "of tcpdump (pcap-filter(7)) and is applied to the inner packet. A summary of the capture goes to\n"
         "standard error.\n";
}

}  // namespace sixin4::cli
